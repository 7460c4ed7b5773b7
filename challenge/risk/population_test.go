// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// How long a browser is remembered, as by default.
const (
	idle    = 30 * day
	longest = 180 * day
)

type contender struct {
	name   string
	policy risk.Policy
}

// contenders are the policies that are compared; the second is the default.
func contenders() []contender {
	browsers := risk.Policy{Places: true, Ask: risk.SetOf(risk.NewBrowser)}
	networks := usual
	networks.Ask |= risk.SetOf(risk.NewNetwork)
	networks.Bind = risk.BindNetwork
	return []contender{{"new_browser", browsers}, {"default", usual}, {"default and new_network", networks}}
}

// A tally is what came of a policy.
type tally struct {
	visits, asked int
	reasons       map[risk.Reason]int // of the visits that were asked, the most telling
	struck        [thieves]int
	caught        [thieves]int
}

func (t *tally) share() float64 { return 100 * float64(t.asked) / float64(t.visits) }

func (t *tally) catch(th thief) float64 { return 100 * float64(t.caught[th]) / float64(t.struck[th]) }

// society is everybody with their year, made once.
var society = sync.OnceValue(func() (all []resident) {
	for i := range population {
		p := newPerson(i)
		all = append(all, resident{p, p.year()})
	}
	return all
})

type resident struct {
	*person
	visits []visit
}

// memory is what a browser holds.
type memory struct{ coded, used time.Time }

func (m memory) state(now time.Time) risk.Browser {
	switch {
	case m.coded.IsZero():
		return risk.Unknown
	case now.Sub(m.used) >= idle, now.Sub(m.coded) >= longest:
		return risk.Lapsed
	default:
		return risk.Remembered
	}
}

// run lets everybody live their year under a policy, and thieves strike after
// every tenth visit of the second half of it.
func run(p *risk.Policy) tally {
	t := tally{reasons: map[risk.Reason]int{}}
	for _, r := range society() {
		random := rand.New(rand.NewPCG(uint64(r.number), 77))
		var profile risk.Profile
		browsers := map[string]memory{}
		for i, v := range r.visits {
			coded := t.visit(p, &profile, browsers, v)
			if i >= len(r.visits)/2 && i%10 == 0 && !v.private {
				t.strike(p, &profile, r.person, v, coded, random)
			}
		}
	}
	return t
}

// visit lets a person in and tells when the session's code was entered.
func (t *tally) visit(p *risk.Policy, profile *risk.Profile, browsers map[string]memory, v visit) time.Time {
	m, name := browsers[v.browser], v.browser
	if v.private || v.lost {
		m = memory{}
	}
	if v.private {
		name = fmt.Sprintf("private%d", v.at.Unix())
	}
	f := risk.Facts{Browser: m.state(v.at), ID: name, Here: v.here, Person: profile}
	asks := risk.Assess(&f, p, v.at).Asks
	t.visits++
	if asks != 0 {
		t.asked++
		t.reasons[asks.First()]++
		profile.Learn(v.here, name, v.at)
		m.coded = v.at
	} else {
		profile.Touch(v.here, name, v.at)
	}
	if m.used = v.at; !v.private {
		browsers[v.browser] = m
	}
	return m.coded
}

func (t *tally) strike(p *risk.Policy, profile *risk.Profile, victim *person, last visit, coded time.Time, random *rand.Rand) {
	for th := range thieves {
		f := th.strikes(victim, last, coded, random)
		f.Person = profile
		later := last.at.Add(time.Duration(random.Int64N(int64(6 * time.Hour))))
		t.struck[th]++
		if risk.Assess(&f, p, later).Asks != 0 {
			t.caught[th]++
		}
	}
}

func TestGEO11TheDefaultCatchesThievesAndLeavesPeopleAlone(t *testing.T) {
	var results []tally
	list := contenders()
	for i := range list {
		results = append(results, run(&list[i].policy))
	}
	t.Log("\n" + table(list, results))
	plain, byDefault, network := results[0], results[1], results[2]
	if got := byDefault.share(); got > 6.5 {
		t.Errorf("%.2f %% of visits are asked, want at most 6.5 %%", got)
	}
	if got := byDefault.catch(withPassword); got != 100 {
		t.Errorf("%.2f %% of thieves without a known browser are caught, want all", got)
	}
	if got := byDefault.catch(fromAbroad); got < 95 {
		t.Errorf("%.2f %% of cookie thieves from abroad are caught, want at least 95 %%", got)
	}
	// The comparison means something only while the others are what they are.
	if got := plain.share(); got < 5 || got > 6.2 {
		t.Errorf("asking only new browsers asks %.2f %% of visits, want about 5.6 %%", got)
	}
	if added := byDefault.share() - plain.share(); added > 0.9 {
		t.Errorf("places ask %.2f %% of visits besides, want at most 0.9 %%", added)
	}
	if network.catch(sameCountry) <= byDefault.catch(sameCountry) || plain.catch(fromAbroad) != 0 {
		t.Error("new_network catches nobody in the country, or new_browser somebody with its cookies")
	}
}

func table(list []contender, results []tally) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "policy\tvisits asked\t")
	for th := range thieves {
		fmt.Fprintf(w, "%s\t", th)
	}
	fmt.Fprintln(w, "  because of")
	for i, r := range results {
		fmt.Fprintf(w, "%s\t%.2f %%\t", list[i].name, r.share())
		for th := range thieves {
			fmt.Fprintf(w, "%.1f %%\t", r.catch(th))
		}
		fmt.Fprint(w, " ")
		for _, reason := range risk.Set(1<<9 - 1).Reasons() {
			if n := r.reasons[reason]; n > 0 {
				fmt.Fprintf(w, " %s %.2f", reason, 100*float64(n)/float64(r.visits))
			}
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%d people, %d visits, %d thieves of each kind\n", population, results[0].visits, results[0].struck[0])
	w.Flush()
	return text.String()
}

// The benchmark prints what each policy costs and brings: shares are in percent.
func BenchmarkPolicies(b *testing.B) {
	var results []tally
	list := contenders()
	for i := range list {
		b.Run("ask="+strings.ReplaceAll(list[i].name, " ", "_"), func(b *testing.B) {
			var t tally
			for b.Loop() {
				t = run(&list[i].policy)
			}
			b.ReportMetric(t.share(), "%asked")
			for th := range thieves {
				b.ReportMetric(t.catch(th), "%"+strings.NewReplacer(" ", "-", ",", "").Replace(th.String()))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*t.visits), "ns/visit")
			if len(results) <= i {
				results = append(results, t)
			}
		})
	}
	if len(results) == len(list) {
		fmt.Fprint(os.Stdout, table(list, results))
	}
}
