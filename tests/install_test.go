// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"crypto/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// buildLine is how the binary is built, wherever that is written.
var buildLine = regexp.MustCompile(`CGO_ENABLED=0 go build (.*?) -o \S+ \./cmd/caddy`)

// What the image contains, what the documentation has people build, and what is
// tested in browsers are built in one way.
func TestOneBuildLineIsWrittenEverywhere(t *testing.T) {
	var first string
	for _, file := range []string{"../Dockerfile", "../xcaddy.md", "../check"} {
		match := buildLine.FindStringSubmatch(read(t, file))
		if match == nil {
			t.Errorf("%s does not build ./cmd/caddy", file)
			continue
		}
		if first == "" {
			first = match[1]
		}
		if match[1] != first {
			t.Errorf("%s builds with %q, the Dockerfile with %q", file, match[1], first)
		}
	}
}

// With the tags of that line Caddy's own packages and ours are all there.
func TestTheBuildTagsFitTheModule(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "-tags", "nobadger,nomysql,nopgx", "../cmd/caddy")
	list.Env = surroundings
	out, err := list.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	packages := strings.Fields(string(out))
	for _, want := range []string{"github.com/doorcode/caddy-doorcode/caddymodule", "github.com/caddyserver/caddy/v2/modules/standard"} {
		if !slices.Contains(packages, want) {
			t.Errorf("the binary lacks %s", want)
		}
	}
	for _, unwanted := range []string{"github.com/dgraph-io/badger", "github.com/go-sql-driver/mysql", "github.com/jackc/pgx"} {
		if slices.ContainsFunc(packages, func(name string) bool { return strings.HasPrefix(name, unwanted) }) {
			t.Errorf("the tags do not leave out %s", unwanted)
		}
	}
}

// Acceptance 119: the documentation lists the modules that the binary has.
func TestTheModulesInTheDocumentationAreThose(t *testing.T) {
	var has []string
	for _, name := range caddy.Modules() {
		if strings.Contains(name, "doorcode") && !strings.Contains(name, "doorcode_tests") {
			has = append(has, name)
		}
	}
	slices.Sort(has)
	listed := strings.Fields(fenced(read(t, "../xcaddy.md"), "")[0])
	if diff := cmp.Diff(has, listed); diff != "" {
		t.Errorf("list-modules (-binary +xcaddy.md):\n%s", diff)
	}
}

// xcaddy is given the path of the module, and the Caddy below which it does not go.
func TestTheVersionsInTheDocumentationAreThoseOfTheModule(t *testing.T) {
	module, page := read(t, "../go.mod"), read(t, "../xcaddy.md")
	name := regexp.MustCompile(`(?m)^module (\S+)$`).FindStringSubmatch(module)[1]
	floor := regexp.MustCompile(`(?m)^\tgithub\.com/caddyserver/caddy/v2 v(\S+)$`).FindStringSubmatch(module)[1]
	golang := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(module)[1]
	for what, want := range map[string]string{
		"the line for xcaddy":  "xcaddy build v" + floor + " --with " + name + "\n",
		"the table":            "| unreleased | " + floor + " or later 2.x | " + golang + " or later |",
		"a release":            "--with " + name + "@v",
		"a line with checkout": "--with " + name + "=.",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("xcaddy.md lacks %s: %q", what, want)
		}
	}
	for _, with := range regexp.MustCompile(`--with (github\.com/doorcode[^\s=@]*)`).FindAllStringSubmatch(page, -1) {
		if with[1] != name {
			t.Errorf("xcaddy.md builds %s", with[1])
		}
	}
	if image := "FROM golang:" + golang; !strings.Contains(read(t, "../Dockerfile"), image) {
		t.Errorf("the Dockerfile does not build on %s", image)
	}
}

// composed is what is looked at of compose.yaml.
type composed struct {
	Services map[string]struct {
		Ports, Volumes, Secrets, Networks, Command []string
		Restart                                    string
	}
	Secrets  map[string]struct{ File string }
	Networks map[string]struct{ Internal bool }
	Volumes  map[string]any
}

// Everything that compose.yaml mounts is there or is made by its first lines; Caddy
// alone can be reached; and each path in the Caddyfile is a secret of its service.
func TestTheComposeFileFitsTogether(t *testing.T) {
	var c composed
	text := read(t, "../compose.yaml")
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	for name, service := range c.Services {
		if service.Restart == "" {
			t.Errorf("%s is not started again", name)
		}
		if name != "caddy" && len(service.Ports) > 0 {
			t.Errorf("%s can be reached around Caddy at %v", name, service.Ports)
		}
		for _, volume := range service.Volumes {
			from, _, _ := strings.Cut(volume, ":")
			if _, named := c.Volumes[from]; named {
				continue
			}
			if _, err := os.Stat("../" + from); err != nil {
				t.Errorf("%s mounts %s: %v", name, from, err)
			}
		}
	}
	for name, secret := range c.Secrets {
		if !strings.Contains(text, "> secrets/"+name+"\n") || secret.File != "./secrets/"+name {
			t.Errorf("the first lines do not make the secret %s, or %s is not its file", name, secret.File)
		}
	}
	for _, file := range regexp.MustCompile(`\{file\./run/secrets/([a-z_]+)\}`).FindAllStringSubmatch(read(t, "../docs/install/Caddyfile"), -1) {
		if !slices.Contains(c.Services["caddy"].Secrets, file[1]) {
			t.Errorf("Caddy has no secret %s", file[1])
		}
	}
	for _, network := range c.Services["app"].Networks {
		if !c.Networks[network].Internal {
			t.Errorf("the app is in the network %s, which leads outside", network)
		}
	}
}

// The compose file's door works on its own Redis: with the configuration and the
// users that are made for it, people get in, and the doctor finds nothing.
func TestTheComposeFileIsADoor(t *testing.T) {
	c := harness.Prepare(t)
	password := keep(t, c.Folder, "redis_password", strings.Repeat("p", 40)+"\n")
	keep(t, c.Folder, "doorcode_secret", rand.Text()+rand.Text()+"\n")
	users := keep(t, c.Folder, "redis_users", mustRun(t, c.Folder, "sh", abs(t, "../docs/install/redis-users.sh"), password))
	for _, file := range []string{"redis_password", "doorcode_secret"} {
		if err := os.Chmod(filepath.Join(c.Folder, file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := strings.NewReplacer("/run/secrets/redis_users", users, "dir /data", "dir "+c.Folder).Replace(read(t, "../docs/install/redis.conf"))
	address := redisBy(t, keep(t, c.Folder, "redis.conf", config))

	text := strings.NewReplacer(
		"redis://redis:6379", "redis://"+address, "/run/secrets", c.Folder, "app:8080", c.App.Address,
		"app.example.com {", "https://app.example.com:"+c.Port+" {",
	).Replace(read(t, "../docs/install/Caddyfile"))
	text = mailBlock.ReplaceAllString(text, "${1}mail file "+c.Mailbox.Folder+"\n")
	_, text, _ = strings.Cut(text, "{\n")
	options, body, _ := strings.Cut(text, "\n}\n")
	site := options + "\n---\n" + body
	c.Load(t, site)
	b := c.SecureBrowser(t, "app.example.com")
	b.SignIn(t, c, "/", ana, true)

	path := keep(t, c.Folder, "Caddyfile", c.Fill(t, site))
	report, r := reportOf(t, caddyCommand(t, c.Folder, "doorcode", "doctor", "--config", path, "--adapter", "caddyfile", "--resolver", harness.DNS{}.Serve(t), "--json"))
	found := 0
	for _, f := range report.Findings {
		if f.Check == "storage" {
			found++
			if f.Level != doctor.OK {
				t.Errorf("%+v", f)
			}
		}
	}
	if found == 0 {
		t.Errorf("the doctor says little of the storage:\n%s%s", r.out, r.err)
	}
}

func abs(t *testing.T, path string) string {
	t.Helper()
	absolute, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return absolute
}

// redisBy starts a Redis by its own configuration file, and returns where it is.
func redisBy(t *testing.T, config string) string {
	t.Helper()
	port := harness.FreePort(t)
	address := net.JoinHostPort("127.0.0.1", port)
	server := exec.Command("redis-server", config, "--port", port, "--bind", "127.0.0.1")
	if err := server.Start(); err != nil {
		t.Fatalf("starting Redis: %v; install Debian package redis-server", err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	harness.Eventually(t, "Redis", func() bool {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	return address
}

// The users of the compose file's Redis may do what the documentation says and no
// more, and no file of theirs holds the password.
func TestTheUsersOfRedisAreThoseOfTheDocumentation(t *testing.T) {
	folder := t.TempDir()
	users := mustRun(t, folder, "sh", abs(t, "../docs/install/redis-users.sh"), keep(t, folder, "password", "open sesame\n"))
	if strings.Contains(users, "open sesame") {
		t.Errorf("the password is written out:\n%s", users)
	}
	line := regexp.MustCompile(`(?m)^user doorcode on >PASSWORD (.*)$`).FindStringSubmatch(read(t, "../docs/operating.md"))
	if line == nil || !strings.Contains(users, " "+line[1]+"\n") {
		t.Errorf("docs/operating.md has %q, the users are\n%s", line, users)
	}
}

// systemd takes the unit and the drop-in, and finds little to complain of.
func TestTheUnitsAreUnderstoodBySystemd(t *testing.T) {
	folder := t.TempDir()
	program := keep(t, folder, "caddy", "#!/bin/sh\n")
	if err := os.Chmod(program, 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	for name, unit := range map[string]string{
		"own":      read(t, "../docs/install/caddy.service"),
		"packaged": packagedUnit + "\n" + strings.ReplaceAll(read(t, "../docs/install/doorcode.conf"), "\n#ExecStart", "\nExecStart"),
	} {
		unit = strings.ReplaceAll(strings.ReplaceAll(unit, "/usr/local/bin/caddy", program), "/usr/bin/caddy", program)
		path := keep(t, filepath.Join(folder, name), "caddy.service", unit)
		if out, err := exec.Command("systemd-analyze", "--man=no", "verify", path).CombinedOutput(); err != nil || strings.Contains(string(out), path) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if out, err := exec.Command("systemd-analyze", "--no-pager", "security", "--offline=true", "--threshold=25", path).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out[max(0, len(out)-300):])
		}
	}
}

// packagedUnit is what the packages of Debian and of Caddy bring, as far as it matters
// here.
const packagedUnit = `[Unit]
Description=Caddy
After=network.target

[Service]
Type=notify
User=caddy
Group=caddy
ExecStart=/usr/bin/caddy run --environ --config /etc/caddy/Caddyfile
ExecReload=/usr/bin/caddy reload --config /etc/caddy/Caddyfile --force
TimeoutStopSec=5s
LimitNOFILE=1048576
PrivateTmp=true
ProtectSystem=full
AmbientCapabilities=CAP_NET_ADMIN CAP_NET_BIND_SERVICE
`

// A package that is upgraded over the diversion leaves the built Caddy alone, and the
// way back ends where the package is.
func TestAPackageUpgradeLeavesTheBuiltCaddyAlone(t *testing.T) {
	folder := t.TempDir()
	root := filepath.Join(folder, "root")
	for _, dir := range []string{"updates", "info", "alternatives"} {
		keep(t, filepath.Join(root, "var/lib/dpkg", dir), ".keep", "")
	}
	keep(t, root, "var/lib/dpkg/status", "")
	keep(t, root, "var/lib/dpkg/available", "")
	keep(t, root, "etc/alternatives/.keep", "")
	binary := filepath.Join(root, "usr/bin/caddy")
	is := func(when, want string) {
		t.Helper()
		target := binary
		if to, err := os.Readlink(binary); err == nil { // of the root folder's alternatives
			if to, err = os.Readlink(filepath.Join(root, to)); err != nil {
				t.Fatal(err)
			}
			target = filepath.Join(root, to)
		}
		if got := read(t, target); got != want {
			t.Errorf("%s, /usr/bin/caddy is %q, want %q", when, got, want)
		}
	}
	keepPackage(t, folder, root, "1")
	is("installed", "package 1")
	recipe := fenced(read(t, "../docs/recipes/packages.md"), "sh")
	inRoot(t, folder, root, recipe[0])
	is("diverted", "built")
	keepPackage(t, folder, root, "2")
	is("upgraded", "built")
	inRoot(t, folder, root, recipe[2])
	is("on the way back", "package 2")
}

// keepPackage installs a package with one file.
func keepPackage(t *testing.T, folder, root, version string) {
	t.Helper()
	dir := filepath.Join(folder, "caddy-"+version)
	keep(t, dir, "DEBIAN/control", "Package: caddy\nVersion: "+version+"\nArchitecture: all\nMaintainer: Ana <ana@example.com>\nDescription: a server\n")
	keep(t, dir, "usr/bin/caddy", "package "+version)
	if err := os.Chmod(filepath.Join(dir, "DEBIAN"), 0o755); err != nil { //nolint:gosec // dpkg wants it
		t.Fatal(err)
	}
	mustRun(t, folder, "dpkg-deb", "--root-owner-group", "--build", dir, dir+".deb")
	mustRun(t, folder, "dpkg", "--root="+root, "--force-not-root", "--force-script-chrootless", "--log=/dev/null", "--install", dir+".deb")
}

// inRoot runs a recipe's lines as they are, but for the root folder, and for what
// needs a running system.
func inRoot(t *testing.T, folder, root, lines string) {
	t.Helper()
	keep(t, folder, "caddy", "built")
	for line := range strings.Lines(lines) {
		words := strings.Fields(strings.TrimPrefix(line, "sudo "))
		switch words[0] {
		case "systemctl":
			continue
		case "install":
			words[len(words)-1] = root + words[len(words)-1]
		case "dpkg-divert":
			words = slices.Insert(words, 1, "--root", root)
		case "update-alternatives":
			words = slices.Insert(words, 1, "--root", root, "--log", "/dev/null")
		default:
			t.Fatalf("the recipe runs %q", line)
		}
		mustRun(t, folder, words[0], words[1:]...)
	}
}
