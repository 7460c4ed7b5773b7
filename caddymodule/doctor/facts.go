// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/doorcode/caddy-doorcode/geo"
)

// Facts are what the checks go by: what a configuration says, what a running Caddy
// says of itself, and how to ask the rest of the world. The zero value is an empty
// configuration on a machine that knows nobody.
type Facts struct {
	Config string // the file, for people
	// Fault is why the configuration cannot be loaded, as Caddy says it. Without Sites,
	// only Admin, Plain, Texts, URLs and what is not of the configuration are then
	// looked at; and the first two only unless it is Unread.
	Fault  error
	Unread bool
	// Late: 'caddy validate' does not show the fault, and a start does.
	Late bool

	Sites     []Site
	Mails     []Mail
	Stores    []Store
	Servers   []Server
	Upstreams []Upstream
	Places    []Places
	Plain     []Plain
	Files     []SecretFile
	Texts     []Texts
	Admin     Admin

	// URLs are where people reach the sites. Empty: nobody knows, and NoURLs says
	// what to do about it.
	URLs   []string
	NoURLs string
	// Clocks are URLs of other machines whose clocks are right.
	Clocks []string

	Running    *Running // nil: no Caddy was asked
	NotRunning string   // why not

	Versions    Versions // of this program
	Descriptors Descriptors
	Addresses   []netip.Addr // of this machine, without loopback
	Now         func() time.Time

	Resolver Resolver
	Asked    string         // the DNS server that was chosen; empty: those of the system
	Roots    *x509.CertPool // nil: those of the system
	SendTo   string         // where a test mail goes; empty: none is sent
}

// A Resolver asks the DNS, as net.Resolver does.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// A Site is one gate.
type Site struct {
	Origins   []string
	Hosts     []string // of the origins, without port
	Endpoints string   // prefix of the gate's own pages; empty: anywhere
	// Guarded are paths that only people with a session may see; none where only the
	// gate's matchers know.
	Guarded []string
	// Boxed: routes around the gate decide which spellings of a path come to it.
	Boxed        bool
	Earlier      bool // an earlier step says who somebody is
	SingleSignOn string
	Links        []string // URLs that its pages lead to
	Accent       string
	Theme        string
	People       People
	Passkeys     Passkeys
	// KeyRequired: browsers without a key of their machine are kept out.
	KeyRequired bool
	// Known is what is known of the people whom its lists name one by one; nil: nobody
	// was asked, or did not say.
	Known *Known
}

// Passkeys are what a site makes of passkeys.
type Passkeys struct {
	On   bool // people can make them
	Only bool // nothing else opens the site
	Idle bool // they are switched on, and not accepted
}

// A Known is what is known of some people.
type Known struct {
	Listed    int // who may pass, as addresses that the lists name one by one
	People    int // of them, about whom somebody was asked
	Keyed     int // of these, who has a passkey that works at the site
	Elsewhere int // of the others, who has one for another name
	Browsers  int // that are remembered of these, at whatever host
	Bound     int // of them, those that have a key
}

// name is how a site is called.
func (s *Site) name() string {
	if len(s.Origins) == 0 {
		return "a site"
	}
	return s.Origins[0]
}

// People are those who may pass, as far as lists say.
type People struct {
	Nobody    bool     // the lists admit nobody at all
	Everybody bool     // '*'
	Domains   []string // of '*@domain'
	Count     int      // addresses
}

// A Mail is one mail transport, and the sites that use it.
type Mail struct {
	Name  string // such as "smtp smtp.example.com:465"
	From  string // bare address
	Hosts []string
	// Local: it sends nothing to anybody, as folders and demonstrations do.
	Local bool
	// Address is host:port of what mail is handed to.
	Address string
	// Clear: mails may travel unencrypted.
	Clear bool
	// API: mails are handed over by HTTPS.
	API bool
	// Try goes as far as a delivery goes for every mailbox, and no further. Nil: it
	// cannot. Proves is what is known after it, where that is less than that mail from
	// this sender is taken.
	Try    func(context.Context) error
	Proves string
	// Send sends a test mail. Nil: it cannot.
	Send func(ctx context.Context, to string) error
	// Signed is the record by which others verify what Doorcode signs itself with;
	// zero: it does not sign.
	Signed DKIM
}

// A DKIM is where the public key of a signature stands, and what it is.
type DKIM struct {
	Domain, Name, Text string
	// Weak: the key is shorter than is usual today.
	Weak bool
}

// Records are an open store.
type Records interface {
	// Get reads a record, nil where there is none.
	Get(ctx context.Context, key string) ([]byte, error)
	// Put writes a record that lives for a time, or removes it with nil, and returns
	// the store's own time.
	Put(ctx context.Context, key string, value []byte, life time.Duration) (time.Time, error)
	// Machines counts the machines that gave a sign of life.
	Machines(ctx context.Context) (int, error)
	// Keys are the signing keys, ErrOtherSecret if they cannot be opened.
	Keys(ctx context.Context) ([]Key, error)
	// Notices are what the store says of how it is set up, after it was used.
	Notices() []Notice
	Close() error
}

// ErrOtherSecret reports keys that were sealed under another secret.
var ErrOtherSecret = errors.New("the keys in the storage were made under another secret")

// ErrNoGate reports a configuration that guards nothing.
var ErrNoGate = errors.New("there is no doorcode in this configuration: write 'doorcode' and the addresses that may pass into a site")

// The faults of a configuration that was not even read.
var (
	ErrNoConfig   = errors.New("no file was named, and there is no Caddyfile in this folder")
	ErrNoFile     = errors.New("there is no such file")
	ErrFolder     = errors.New("this is a folder")
	ErrMayNotRead = errors.New("this user may not read it")
)

// ErrInUse reports a store in a file that another process holds.
var ErrInUse = errors.New("another process holds it")

// ErrNoStore reports a store that is not there yet.
var ErrNoStore = errors.New("it is not there yet")

// A Notice is what the operator should know of a store.
type Notice struct {
	Grave bool // records can be lost while everything runs
	Text  string
	Fix   string
}

// A Store is where records are kept.
type Store struct {
	Name   string // as the running Caddy calls it
	Shared bool   // with other machines
	Grace  time.Duration
	// Path of a file on this machine, and what kind of file system it is on.
	Path       string
	FileSystem string
	Disk       Disk
	// Servers are host:port, or paths of sockets, of one in a network.
	Servers   []string
	Encrypted bool
	// Open opens it, a file for reading only. It returns ErrNoStore where that is
	// not there, and ErrInUse where another process holds it.
	Open func(context.Context) (Records, error)
	// Rotate is how often keys change; zero: never.
	Rotate time.Duration
}

// A Disk is what the file of a store lies on.
type Disk struct {
	Known      bool
	Free, Used uint64 // bytes that its user may still write, and bytes of the file
}

// A Key is one signing key.
type Key struct {
	ID      string
	Signing bool // and not waiting, or over
	Created time.Time
}

// A Server is one listener of Caddy with gates behind it.
type Server struct {
	Name    string
	Hosts   []string
	Secure  bool // it speaks TLS
	Trusted bool // some proxies are trusted to tell where visitors are
	Strict  bool
	// HTTPS: its sites say of themselves that they are https.
	HTTPS bool
}

// An Upstream is an app behind a gate.
type Upstream struct {
	Site string
	Dial string // host:port, or "unix/…"
}

// Places are the databases of a site.
type Places struct {
	Name   string
	Files  []geo.File
	Knows  geo.Knowledge
	Locate func(netip.Addr) *geo.Place
}

// A Plain is a secret that stands in the configuration itself.
type Plain struct {
	Subject string // such as "mail smtp smtp.example.com:465"
	Setting string // such as "password"
}

// A SecretFile is a file that a secret is read from.
type SecretFile struct {
	Path string
	// Root: it is the secret that all keys are made from, and not a password or token.
	Root bool
	// Own: Doorcode made it, for its own user alone.
	Own bool
	// Missing: it is not there, or this user may not read it. The first start makes it
	// where it is Own.
	Missing bool
	Mode    uint32 // permission bits
}

// Texts are texts, templates or styles that an operator has changed.
type Texts struct {
	Subject string
	Fault   error // nil: they are good
	// Lacking are languages in which some texts are those of Doorcode.
	Lacking []string
}

// An Admin is Caddy's admin endpoint.
type Admin struct {
	Off    bool
	Listen string // empty: Caddy's default, which is loopback
}

// Versions are what a program was built from.
type Versions struct {
	Doorcode string
	Caddy    string
	Go       string
	Modules  map[string]string // by path; nil: nobody knows
}

// Descriptors are how many files a process may have open, and has.
type Descriptors struct{ Limit, Open uint64 }

// A Running is what a running Caddy says of itself.
type Running struct {
	Address     string // of its admin endpoint
	Origins     []string
	Versions    Versions
	Descriptors Descriptors
	Stores      []RunningStore
	// Forwarders are private addresses that forwarded visitors without being trusted.
	Forwarders []string
}

// A RunningStore is a store as the running Caddy sees it.
type RunningStore struct {
	Name    string
	Answers bool
	Writes  bool
	Error   string
	Slowest time.Duration // of some reads just now; zero: not measured
	Keys    []Key
}

// store finds what the running Caddy says of a store.
func (r *Running) store(name string) *RunningStore {
	if r == nil {
		return nil
	}
	for i := range r.Stores {
		if r.Stores[i].Name == name {
			return &r.Stores[i]
		}
	}
	return nil
}

// empty reports whether there is no configuration to look at.
func (f *Facts) empty() bool { return f.Fault != nil && len(f.Sites) == 0 }

// now is the time of this machine.
func (f *Facts) now() time.Time {
	if f.Now == nil {
		return time.Now()
	}
	return f.Now()
}
