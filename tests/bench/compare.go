package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const (
	connections = 32
	// fixedRedirect is as long as the redirect of the gate.
	fixedRedirect = "redir * /_auth/login?return_to=%2F 303"
)

// configurations are what is compared. The Redis gateways use prefixes of
// their own, so that they are not nodes of one installation.
func configurations(redis string) []configuration {
	store := "sessions redis redis://" + redis
	const site = "sigra\nreverse_proxy {app}"
	return []configuration{
		{name: "Caddy, bare `reverse_proxy`", site: "reverse_proxy {app}"},
		{name: "Sigra, sessions in Redis", global: "sigra {\n" + store + "\n}", site: site, signedIn: true},
		{name: "Sigra, embedded stores", site: site, signedIn: true},
		{name: "Sigra, a Redis read per request", global: "sigra {\n" + store + " {\nprefix off:\n}\nsession {\ncache off\n}\n}", site: site, signedIn: true},
		{name: "Caddy, `redir`", site: fixedRedirect, redirects: true, baseline: 4},
		{name: "Sigra, anonymous redirect", site: site, redirects: true, baseline: 4},
	}
}

// turns is how many parts a sample is taken in. The gateways take turns, so that a
// busy moment of the machine, which can last for seconds, comes to all of them.
const turns = 10

// compare measures all gateways round by round, each round with new processes, since
// the luck of one lasts as long as it does.
func (b *bench) compare(rounds int, length time.Duration) error {
	samples := make([][]sample, len(configurations(b.redisAddr)))
	for round := range rounds {
		b.stopGateways()
		if err := b.startAll(); err != nil {
			return err
		}
		taken, err := b.round(length)
		if err != nil {
			return err
		}
		for at := range b.gateways {
			samples[at] = append(samples[at], sampleOf(taken[at]))
		}
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, rounds)
	}
	b.report(samples)
	return nil
}

// round takes the turns of all gateways, in a new random order each time, after one
// turn of each that does not count: it warms up.
func (b *bench) round(length time.Duration) ([][]turn, error) {
	taken := make([][]turn, len(b.gateways))
	for n := range turns + 1 {
		for _, at := range rand.Perm(len(b.gateways)) {
			t, err := b.turn(b.gateways[at], length/turns)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", b.gateways[at].name, err)
			}
			if n > 0 {
				taken[at] = append(taken[at], t)
			}
		}
	}
	return taken, nil
}

func (b *bench) startAll() error {
	for _, c := range configurations(b.redisAddr) {
		g, err := b.run(c)
		if err == nil && c.signedIn {
			err = b.signIn(g)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	// The bare proxy gets the same bytes as the gateways: a cookie of a session.
	b.gateways[0].cookie = b.gateways[1].cookie
	return nil
}

// turn is what was measured of one gateway in one go.
type turn struct {
	result
	used   meter
	memory float64
}

// turn puts a gateway under load for a while.
func (b *bench) turn(g *gateway, length time.Duration) (turn, error) {
	j := job{Address: g.address, Requests: [][]byte{g.request(g.cookie)}, Status: g.status(), Connections: connections, Duration: length}
	before := b.meter(g)
	r, err := b.load(j)
	if err != nil {
		return turn{}, err
	}
	used := b.meter(g).since(before)
	used.own += r.CPU
	counted, err := b.count()
	if err != nil {
		return turn{}, err
	}
	if err := g.check(counted, int64(r.Requests)); err != nil {
		return turn{}, err
	}
	return turn{r, used, memoryOf(g.child)}, nil
}

// sample is one measurement of one gateway, made of turns.
type sample struct {
	perSecond float64
	p50, p99  float64 // milliseconds, the median of those of the turns
	cpu       float64 // microseconds of the proxy per request
	redis     float64 // microseconds of Redis per request
	memory    float64 // MiB of the proxy, at last
	foreign   float64 // processors used by what is not part of the bench
}

func sampleOf(turns []turn) sample {
	var s sample
	var all turn
	for _, t := range turns {
		all.Requests += t.Requests
		all.Elapsed += t.Elapsed
		all.used = all.used.plus(t.used)
		s.memory = t.memory
	}
	n := float64(all.Requests)
	s.perSecond = all.perSecond()
	s.p50 = spreadOf(turns, func(t turn) float64 { return milliseconds(t.P50) }).median
	s.p99 = spreadOf(turns, func(t turn) float64 { return milliseconds(t.P99) }).median
	s.cpu, s.redis = all.used.proxy.Seconds()*1e6/n, all.used.redis.Seconds()*1e6/n
	s.foreign = max(0, (all.used.machine-all.used.own).Seconds()/all.Elapsed.Seconds())
	return s
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1e3 }

// check tells whether the app saw what it must have.
func (g *gateway) check(counted seen, sent int64) error {
	var want seen
	switch {
	case g.signedIn:
		want = seen{Requests: sent, Identified: sent}
	case !g.redirects:
		want = seen{Requests: sent}
	}
	if counted != want {
		return fmt.Errorf("%d requests were sent and the app saw %+v, want %+v", sent, counted, want)
	}
	return nil
}

// meter is processor time used so far.
type meter struct {
	proxy, redis, own, machine time.Duration
}

// meter reads the clocks of a gateway, of Redis, of all that the bench has
// started, and of the machine.
func (b *bench) meter(g *gateway) meter {
	m := meter{proxy: cpuOf(g.child.Process.Pid), redis: cpuOf(b.redis.Process.Pid), own: cpuOfSelf(), machine: cpuOfMachine()}
	for _, c := range b.children {
		m.own += cpuOf(c.Process.Pid)
	}
	return m
}

func (m meter) since(before meter) meter {
	return meter{m.proxy - before.proxy, m.redis - before.redis, m.own - before.own, m.machine - before.machine}
}

func (m meter) plus(n meter) meter {
	return meter{m.proxy + n.proxy, m.redis + n.redis, m.own + n.own, m.machine + n.machine}
}

// profile writes a CPU profile of each gateway under load. It comes after the
// samples, because it disturbs them.
func (b *bench) profile(dir string, length time.Duration) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	seconds := int(max(length, 5*time.Second).Seconds())
	for i, g := range b.gateways {
		loaded := make(chan error, 1)
		go func() {
			_, err := b.load(job{Address: g.address, Requests: [][]byte{g.request(g.cookie)}, Status: g.status(),
				Connections: connections, Duration: time.Duration(seconds+1) * time.Second})
			loaded <- err
		}()
		raw, err := g.ask("/debug/pprof/profile?seconds=" + strconv.Itoa(seconds))
		if failed := <-loaded; err == nil {
			err = failed
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, strconv.Itoa(i+1)+".pprof"), raw, 0o644)
		}
		if err != nil {
			return fmt.Errorf("profiling %s: %w", g.name, err)
		}
	}
	return nil
}
