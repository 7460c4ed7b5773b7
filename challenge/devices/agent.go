// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package devices

import (
	"maps"
	"slices"
	"strings"

	"github.com/mileusna/useragent"
)

// maxAgent bounds what is read of a User-Agent, in bytes.
const maxAgent = 512

// Unknown is what a browser is called that is not in the vocabulary.
const Unknown = "an unknown browser"

// IOS is the one system of the vocabulary whose name has a word of English in it.
const IOS = "iPhone or iPad"

const between = " on "

// The vocabulary: library name to ours. A mail never repeats what a visitor
// wrote into the header, which would make it a channel for spam.
var (
	browsers = map[string]string{
		useragent.Firefox: "Firefox", useragent.Chrome: "Chrome", useragent.Safari: "Safari",
		useragent.Edge: "Edge", useragent.Opera: "Opera", useragent.OperaMini: "Opera Mini",
		useragent.OperaTouch: "Opera", useragent.Vivaldi: "Vivaldi", useragent.SamsungBrowser: "Samsung Internet",
		useragent.InternetExplorer: "Internet Explorer", useragent.HeadlessChrome: "Chrome",
	}
	systems = map[string]string{
		useragent.Windows: "Windows", useragent.MacOS: "macOS", useragent.Linux: "Linux",
		useragent.Android: "Android", useragent.IOS: IOS, useragent.ChromeOS: "ChromeOS",
		useragent.FreeBSD: "FreeBSD",
	}
)

// Describe names the browser and system of a User-Agent from a fixed
// vocabulary, such as "Firefox on Windows"; everything else is [Unknown].
func Describe(agent string) string {
	if len(agent) > maxAgent {
		agent = agent[:maxAgent]
	}
	ua := useragent.Parse(agent)
	browser, known := browsers[ua.Name]
	if !known || ua.Bot {
		return Unknown
	}
	if system, ok := systems[ua.OS]; ok {
		return browser + between + system
	}
	return browser
}

// Parts takes apart what [Describe] said, for other languages. Of anything else, and of
// a browser whose system is not known, there is no system.
func Parts(described string) (browser, system string) {
	browser, system, _ = strings.Cut(described, between)
	if !slices.Contains(slices.Collect(maps.Values(browsers)), browser) || !slices.Contains(slices.Collect(maps.Values(systems)), system) {
		return described, ""
	}
	return browser, system
}
