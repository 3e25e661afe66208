package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

const (
	connections = 32
	// fixedRedirect is as long as the redirect of the gate.
	fixedRedirect = "redir * /_auth/login?return_to=%2F 303"
)

// sample is one measurement of one gateway.
type sample struct {
	perSecond float64
	p50, p99  time.Duration
	cpu       float64 // microseconds of the proxy per request
	redis     float64 // microseconds of Redis per request
}

// compare measures all gateways in turn, round by round.
func (b *bench) compare(rounds int, length time.Duration) error {
	if err := b.startAll(); err != nil {
		return err
	}
	samples := make([][]sample, len(b.gateways))
	for round := range rounds {
		for i := range b.gateways {
			at := (i + round) % len(b.gateways)
			s, err := b.measure(b.gateways[at], length)
			if err != nil {
				return fmt.Errorf("%s: %w", b.gateways[at].name, err)
			}
			samples[at] = append(samples[at], s)
		}
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, rounds)
	}
	b.report(samples)
	return nil
}

func (b *bench) startAll() error {
	redis := "sessions redis redis://" + b.redisAddr
	for _, c := range []struct {
		name, global, site string
		signedIn           bool
		baseline           int
	}{
		{"Caddy, bare reverse_proxy", "", "reverse_proxy {app}", false, 0},
		{"Sigra, sessions in Redis", "sigra {\n" + redis + "\n}", "sigra\nreverse_proxy {app}", true, 0},
		{"Sigra, embedded stores", "", "sigra\nreverse_proxy {app}", true, 0},
		{"Sigra, a Redis read per request", "sigra {\n" + redis + " {\nprefix off:\n}\nsession {\ncache off\n}\n}", "sigra\nreverse_proxy {app}", true, 0},
		{"Caddy, redir", "", fixedRedirect, false, 4},
		{"Sigra, anonymous redirect", "", "sigra\nreverse_proxy {app}", false, 4},
	} {
		g, err := b.run(c.name, c.global, c.site)
		if err != nil {
			return err
		}
		g.signedIn, g.baseline = c.signedIn, c.baseline
		if c.baseline == 4 {
			g.status = http.StatusSeeOther
		}
		if c.signedIn {
			if err := g.signIn(); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	// The bare proxy gets the same bytes as the gateways: a cookie of a session.
	b.gateways[0].cookie = b.gateways[1].cookie
	return nil
}

// measure takes one sample, after a moment to warm up.
func (b *bench) measure(g *gateway, length time.Duration) (sample, error) {
	j := job{Address: g.address, Requests: [][]byte{g.request(g.cookie)}, Status: g.status, Connections: connections, Duration: length / 6}
	if _, err := b.load(j); err != nil {
		return sample{}, err
	}
	if _, err := b.count(); err != nil {
		return sample{}, err
	}
	j.Duration = length
	cpu, redis := cpuOf(g.child), cpuOf(b.redis)
	r, err := b.load(j)
	if err != nil {
		return sample{}, err
	}
	cpu, redis = cpuOf(g.child)-cpu, cpuOf(b.redis)-redis
	counted, err := b.count()
	if err != nil {
		return sample{}, err
	}
	if g.signedIn && counted[0] != counted[1] || !g.signedIn && counted[1] != 0 {
		return sample{}, fmt.Errorf("of %d requests the app saw an identity on %d", counted[0], counted[1])
	}
	n := float64(r.Requests)
	return sample{n / r.Elapsed.Seconds(), r.P50, r.P99, cpu.Seconds() * 1e6 / n, redis.Seconds() * 1e6 / n}, nil
}

// load runs a job in a process of its own.
func (b *bench) load(j job) (result, error) {
	self, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	input, err := json.Marshal(j)
	if err != nil {
		return result{}, err
	}
	command := exec.Command(self, roleLoad)
	command.Stdin, command.Stderr = bytes.NewReader(input), os.Stderr
	output, err := command.Output()
	if err != nil {
		return result{}, err
	}
	var r result
	return r, json.Unmarshal(output, &r)
}

// count returns and resets what the app has counted: requests, and those with
// an identity.
func (b *bench) count() (counted [2]int64, err error) {
	answer, err := http.Get("http://" + b.app + "/count")
	if err != nil {
		return counted, err
	}
	defer answer.Body.Close()
	return counted, json.NewDecoder(answer.Body).Decode(&counted)
}

// report prints a table of medians, and of ratios round by round.
func (b *bench) report(samples [][]sample) {
	fmt.Printf("%s; %d rounds. Medians; ratios and differences are medians of those of each round, with quartiles.\n\n", machine(), len(samples[0]))
	fmt.Println("| | req/s | p50 ms | p99 ms | CPU µs/req | Redis µs/req | × baseline | extra CPU µs |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for i, g := range b.gateways {
		base := samples[g.baseline]
		column := func(f func(sample) float64) float64 { return quartiles(samples[i], f)[1] }
		row := fmt.Sprintf("| %s | %.0f | %.2f | %.2f | %.0f | %.0f |", g.name,
			column(func(s sample) float64 { return s.perSecond }),
			column(func(s sample) float64 { return s.p50.Seconds() * 1e3 }),
			column(func(s sample) float64 { return s.p99.Seconds() * 1e3 }),
			column(func(s sample) float64 { return s.cpu }), column(func(s sample) float64 { return s.redis }))
		if i == g.baseline {
			fmt.Println(row + " 1 | |")
			continue
		}
		var pairs []sample
		for round, s := range samples[i] {
			pairs = append(pairs, sample{perSecond: s.perSecond / base[round].perSecond, cpu: s.cpu - base[round].cpu})
		}
		ratio, extra := quartiles(pairs, func(s sample) float64 { return s.perSecond }), quartiles(pairs, func(s sample) float64 { return s.cpu })
		fmt.Printf("%s %.2f (%.2f–%.2f) | %+.0f (%+.0f to %+.0f) |\n", row, ratio[1], ratio[0], ratio[2], extra[1], extra[0], extra[2])
	}
}

func quartiles(list []sample, f func(sample) float64) [3]float64 {
	values := make([]float64, len(list))
	for i, s := range list {
		values[i] = f(s)
	}
	slices.Sort(values)
	n := len(values)
	return [3]float64{values[n/4], values[n/2], values[n*3/4]}
}

// cpuOf returns the processor time that a process has used.
func cpuOf(c *child) time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.Process.Pid))
	if err != nil {
		return 0 // not Linux: the columns stay empty
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+2:]))
	var user, system int64
	_, _ = fmt.Sscan(fields[11]+" "+fields[12], &user, &system)
	return time.Duration(user+system) * (time.Second / clockTicks)
}

// clockTicks is USER_HZ, which is 100 on every Linux that Go runs on.
const clockTicks = 100
