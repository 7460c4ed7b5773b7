// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package geo tells where an address is and whose network it is of, from
// MaxMind DB files that the operator keeps up to date. It knows nothing of
// challenges.
//
// A [DB] holds its files in memory and takes a newer version as soon as it has
// proven to be whole. What the files do not say is unknown, and unknown is an
// answer: whoever asks decides what it is worth.
package geo

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of this package. Those that [Open] and an [Event] give say besides
// which file it is and what to do.
var (
	// ErrMissing says that there is no file of that name.
	ErrMissing = errors.New("no such file")
	// ErrDamaged says that a file is no whole MaxMind DB file.
	ErrDamaged = errors.New("not a whole MaxMind DB file")
	// ErrUseless says that a database is whole, but of a kind that tells
	// nothing of places, networks or anonymisers.
	ErrUseless = errors.New("tells nothing of places, networks or anonymisers")
)

const (
	defaultRefresh = 5 * time.Minute
	defaultMaxAge  = 45 * 24 * time.Hour
)

// Options says which databases to use. The zero value uses none.
type Options struct {
	// Files are paths of MaxMind DB files (.mmdb) in any number: City, Country,
	// ASN, ISP, Anonymous-IP and alike, of MaxMind, DB-IP or with the flat
	// records of others. Where two tell the same, the first is believed.
	Files []string
	// Refresh is how often the files are looked at for a newer version. Zero
	// means 5 minutes; negative, only when [DB.Refresh] is called.
	Refresh time.Duration
	// MaxAge is how old the data may be before it counts as stale. Zero means
	// 45 days; negative, it never is.
	MaxAge time.Duration
	// Report hears what happens to the files. It is called by one goroutine at
	// a time, and must call neither [DB.Refresh] nor [DB.Close].
	Report func(Event)
}

// A Kind says what happened to a file.
type Kind string

// What can happen to a file.
const (
	// Loaded: this version is in use from now on.
	Loaded Kind = "loaded"
	// Refused: what is on the disk cannot be used, or nothing is there. The
	// version before it stays in use, and the file is looked at again. Told once
	// for each version.
	Refused Kind = "refused"
	// Stale: what is in use is older than [Options.MaxAge]. Told when it is
	// loaded and once a day.
	Stale Kind = "stale"
)

// An Event is something that happened to a file.
type Event struct {
	Kind Kind
	File string // the path
	// Type and Built are those of the version in use: what the database calls
	// itself, and when its maker built it.
	Type  string
	Built time.Time
	// Err is why a version is refused; else nil.
	Err error
}

// Knowledge is what databases can tell: each is true if some record does.
type Knowledge struct {
	Country   bool
	City      bool
	Points    bool // coordinates
	ASN       bool
	Anonymous bool // VPNs, proxies, Tor
}

func (k Knowledge) with(other Knowledge) Knowledge {
	return Knowledge{
		Country:   k.Country || other.Country,
		City:      k.City || other.City,
		Points:    k.Points || other.Points,
		ASN:       k.ASN || other.ASN,
		Anonymous: k.Anonymous || other.Anonymous,
	}
}

// A File is the version of one file that is in use.
type File struct {
	Path  string
	Type  string    // what it calls itself, such as GeoLite2-City
	Built time.Time // by its maker
	Stale bool      // older than [Options.MaxAge]
	Knows Knowledge
}

// A DB locates addresses. It is safe for concurrent use. Made by [Open].
type DB struct {
	current atomic.Pointer[snapshot]
	maxAge  time.Duration
	report  func(Event)

	mu      sync.Mutex // guards below
	watched []*watched

	closing sync.Once
	stop    chan struct{}
	done    chan struct{}
}

// A snapshot is one state of all files. It never changes but for the cache,
// which must not outlive it: a newer file tells other places.
type snapshot struct {
	sources []*source
	seen    *cache
}

// Open reads the files and, from then on, looks for newer versions of them in
// the background until [DB.Close].
//
// The files are read, not mapped into memory: one that is cut short under a
// mapping kills the whole process. The error of a file that cannot be used
// begins with "geoip: " and is [ErrMissing], [ErrDamaged], [ErrUseless] or one
// of the file system.
func Open(o Options) (*DB, error) {
	db := &DB{maxAge: o.MaxAge, report: o.Report, stop: make(chan struct{}), done: make(chan struct{})}
	if db.maxAge == 0 {
		db.maxAge = defaultMaxAge
	}
	if db.report == nil {
		db.report = func(Event) {}
	}
	for _, path := range o.Files {
		w := &watched{path: path}
		if err := w.open(); err != nil {
			return nil, err
		}
		db.watched = append(db.watched, w)
	}
	db.swap()
	for _, w := range db.watched {
		db.report(w.event(Loaded, nil))
	}
	db.warn(time.Now())

	if o.Refresh == 0 {
		o.Refresh = defaultRefresh
	}
	if o.Refresh < 0 || len(db.watched) == 0 {
		close(db.done)
		return db, nil
	}
	go db.run(o.Refresh)
	return db, nil
}

// Locate tells what is known of ip; an address that is not valid is unknown.
// IPv4 addresses inside IPv6 ones are taken out first, see [Unwrap].
//
// The result is never nil. It is shared with every other caller and must not
// be changed. Locate goes on answering after [DB.Close].
func (db *DB) Locate(ip netip.Addr) *Place {
	ip = Unwrap(ip)
	if !ip.IsValid() {
		return unknown
	}
	s := db.current.Load()
	if p := s.seen.find(ip); p != nil {
		return p
	}
	p := s.locate(ip)
	s.seen.keep(ip, p)
	return p
}

// Files tells which files are in use, in the order of [Options.Files].
func (db *DB) Files() []File {
	now := time.Now()
	sources := db.current.Load().sources
	files := make([]File, len(sources))
	for i, s := range sources {
		files[i] = File{Path: s.path, Type: s.kind(), Built: s.built(), Stale: db.stale(s, now), Knows: s.knows}
	}
	return files
}

// Knows tells what all files together can tell.
func (db *DB) Knows() Knowledge {
	var all Knowledge
	for _, s := range db.current.Load().sources {
		all = all.with(s.knows)
	}
	return all
}

// Close ends the looking for newer versions and waits for it. It may be called
// more than once.
func (db *DB) Close() {
	db.closing.Do(func() { close(db.stop) })
	<-db.done
}

func (db *DB) stale(s *source, now time.Time) bool {
	return db.maxAge > 0 && now.Sub(s.built()) > db.maxAge
}

var (
	unknown = &Place{}
	private = &Place{Private: true}
)

func (s *snapshot) locate(ip netip.Addr) *Place {
	if isPrivate(ip) {
		return private
	}
	var p Place
	for _, src := range s.sources {
		src.addTo(&p, ip)
	}
	if p == (Place{}) {
		return unknown
	}
	p.Hosting = p.Hosting || listed(hosting[:], p.ASN)
	p.Roaming = p.Roaming || listed(roaming[:], p.ASN)
	kept := p // here, so that an unknown address costs no memory
	return &kept
}
