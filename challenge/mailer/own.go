// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"errors"
	"fmt"
	"html"
	"html/template"
	"io"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	texttemplate "text/template"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// ErrTemplate means a template whose mails would be of no use.
var ErrTemplate = errors.New("template cannot be used")

// maxTemplate bounds a template, in bytes: mail programs clip what is longer.
const maxTemplate = 64 << 10

// Templates are an operator's own forms of mails. They never change and are safe for
// concurrent use.
type Templates struct {
	text *texttemplate.Template // nil: the built-in one
	html *template.Template     // likewise
}

// ParseTemplates reads mail.txt (of text/template) and mail.html (of html/template) of
// a folder; it returns nil where there is neither. Each is tried on a mail of every
// subject: it has to print the code, the letters and the link of each that has them,
// and no other four to eight digits before the code, which phones would offer in its
// place. Its errors are ErrTemplate and those of reading and parsing, with the name of
// the file, and the line where there is one.
//
// A template gets the sentences as keys, for {{.Text key .Args}}, or in HTML
// {{.HTML key .Marked}}: Lead, Before (several), Reason ("" for none), Heading, After
// (several), Label (of the link), SentTo, Urge ("" for none). The facts on who asked
// are Facts, each with Label, Value and Pad. Plain texts are Subject, Code, Link, Host,
// Support, Credit (each "" for none), Sender, Lang, Dir and, by name, the Args: app,
// ref, address and others. Accent is a colour of CSS.
func ParseTemplates(fsys fs.FS) (*Templates, error) {
	t := &Templates{}
	text, textErr := readTemplate(fsys, textName)
	if textErr == nil && text != "" {
		t.text, textErr = texttemplate.New(textName).Option("missingkey=error").Parse(text)
	}
	page, pageErr := readTemplate(fsys, htmlName)
	if pageErr == nil && page != "" {
		t.html, pageErr = template.New(htmlName).Option("missingkey=error").Parse(page)
	}
	if err := errors.Join(textErr, pageErr); err != nil {
		return nil, fmt.Errorf("%w: %w%s", ErrTemplate, err, given)
	}
	if t.text == nil && t.html == nil {
		return nil, nil
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	return t, nil
}

// given says in the operator's words what Go's errors of templates do not.
const given = "; a mail is given .Code, .Link, .Args.ref and others: see docs/mail.md#words-and-looks"

// The files of Templates.
const (
	textName = "mail.txt"
	htmlName = "mail.html"
)

func readTemplate(fsys fs.FS, name string) (string, error) {
	content, err := fs.ReadFile(fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case len(content) > maxTemplate:
		return "", fmt.Errorf("%s: longer than %d KiB", name, maxTemplate>>10)
	case strings.TrimSpace(string(content)) == "":
		return "", fmt.Errorf("%s: is empty", name)
	}
	return string(content), nil
}

// check tries the templates on a mail of every subject, in the words of one language:
// what a mail has does not depend on it.
func (t *Templates) check() error {
	for _, subject := range slices.Sorted(maps.Keys(forms)) {
		b := sampleFrom(subject).compose()
		if _, err := b.byOwn(t.executor(textName)); err != nil {
			return fmt.Errorf("%s: %s: %w", textName, forms[subject].what, err)
		}
		if _, err := b.byOwn(t.executor(htmlName)); err != nil {
			return fmt.Errorf("%s: %s: %w", htmlName, forms[subject].what, err)
		}
	}
	return nil
}

// An executor is a template of either kind.
type executor interface {
	Execute(w io.Writer, data any) error
}

// executor is the template of a file, nil for the built-in one.
func (t *Templates) executor(name string) executor {
	switch {
	case t == nil:
		return nil
	case name == textName && t.text != nil:
		return t.text
	case name == htmlName && t.html != nil:
		return t.html
	default:
		return nil
	}
}

// byOwn renders a mail by an operator's template, "" where there is none. A template
// may lose in one mail what it printed in those that it was tried on.
func (b *body) byOwn(own executor) (string, error) {
	if own == nil {
		return "", nil
	}
	var out strings.Builder
	if err := own.Execute(&out, b); err != nil {
		return "", fmt.Errorf("%w: %w%s", ErrTemplate, err, given)
	}
	return out.String(), b.missed(out.String())
}

// markup is what a reader does not see of HTML.
var markup = regexp.MustCompile(`(?is)<(style|title|head)\b.*?</(?:style|title|head)>|<[^>]*>`)

// missed is what a rendered mail lacks.
func (b *body) missed(rendered string) error {
	seen := html.UnescapeString(rendered)
	shown := html.UnescapeString(markup.ReplaceAllString(rendered, ""))
	ref, _ := b.Args["ref"].(string)
	switch first := codeLike.FindString(shown); {
	case b.Code != "" && !strings.Contains(shown, b.Code):
		return fmt.Errorf("%w: it does not print the code; write {{.Code}}", ErrTemplate)
	case b.Code != "" && !strings.Contains(shown, ref):
		return fmt.Errorf("%w: it does not print the letters that the page shows; write {{.Args.ref}}", ErrTemplate)
	case b.Link != "" && !strings.Contains(seen, b.Link):
		return fmt.Errorf("%w: it does not print the link; write {{.Link}}", ErrTemplate)
	case codeLike.MatchString(b.Code) && first != b.Code:
		return fmt.Errorf("%w: it prints %s before the code, and phones would take that for it", ErrTemplate, first)
	}
	return nil
}

// ErrSubjectLine means a subject that mails with a code could not have.
var ErrSubjectLine = errors.New("not a subject like '{code} is your {app} code ({ref})'")

// maxSubject bounds a subject of the operator's, in characters.
const maxSubject = 150

// checkSubjectLine tries an operator's subject on a code.
func checkSubjectLine(line string) error {
	if line == "" {
		return nil
	}
	fault := ""
	switch rest := strings.NewReplacer("{code}", "", "{app}", "", "{ref}", "").Replace(line); {
	case strings.ContainsAny(rest, "{}"):
		fault = "only {code}, {app} and {ref} are filled in"
	case !strings.Contains(line, "{code}") && !strings.Contains(line, "{ref}"):
		fault = "it needs {code} or {ref}, so that people find the mail of a page"
	case line != plain(line, maxSubject):
		fault = fmt.Sprintf("it is one line of at most %d characters, without spaces around it", maxSubject)
	case fillSubject(line, challenge.NewCode("482917").Reveal(), "App", "7KQ") == "":
		fault = "it has four digits or more besides the code, and phones would take those for it"
	default:
		return nil
	}
	return fmt.Errorf("subject %q: %w: %s", line, ErrSubjectLine, fault)
}

// fillSubject is an operator's subject with its values in it, and "" where a phone
// would find another code in it than the right one.
func fillSubject(line, code, app, ref string) string {
	s := strings.NewReplacer("{code}", code, "{app}", app, "{ref}", ref).Replace(line)
	if strings.Contains(line, "{code}") && !leads(s, code) || !strings.Contains(line, "{code}") && codeLike.MatchString(s) {
		return ""
	}
	return plain(s, 2*maxSubject)
}

// leads reports whether a phone that looks for a code in s finds this one, or none: it
// does not know codes of letters.
func leads(s, code string) bool {
	first := codeLike.FindString(s)
	return first == "" || first == code
}
