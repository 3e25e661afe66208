package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/storage/redisstore"
	"github.com/sigra-auth/sigra/storage/sqlstore"
)

// sizes are the numbers of live sessions that the curve is measured at.
var sizes = []int{10, 1000, 100_000, 1_000_000}

// curves measure one gateway per store with more and more live sessions:
// memory must stop at the bound of the cache, and the latency of a session in
// use must stay.
func (b *bench) curves(length time.Duration) error {
	options, err := redisstore.ParseURL("redis://" + b.redisAddr)
	if err != nil {
		return err
	}
	client := redisstore.Open(options, "")
	defer client.Close()
	path, remove, err := memoryFile()
	if err != nil {
		return err
	}
	defer remove()
	db, err := sqlstore.OpenSQLite(path, sqlstore.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	const site = "sigra\nreverse_proxy {app}"
	redis := configuration{name: "Redis", global: "sigra {\nsessions redis redis://" + b.redisAddr + "\n}", site: site, signedIn: true}
	embedded := configuration{name: "embedded", global: "sigra {\nstorage sqlite " + path + "\n}", site: site, signedIn: true}
	fmt.Fprintln(b.out, "| store | live sessions | cached | memory MiB | heap MiB | random: req/s | p50 ms | p99 ms | one: req/s | p50 ms | p99 ms |")
	fmt.Fprintln(b.out, "|---|---|---|---|---|---|---|---|---|---|---|")
	if err := b.curve(redis, client.Sessions(), length); err != nil {
		return err
	}
	if err := b.curve(embedded, db.Sessions(), length); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "\n%s Each row has more sessions live than the one before, in the same process. "+
		"\"Random\" spreads requests over up to %d of them, twice what the cache holds; \"one\" repeats one session. "+
		"Memory is resident, heap is what is live after a collection.\n", b.machine(), sampled)
	return nil
}

// memoryFile returns a path for a database that is filled with a million
// commits: in memory where the system has such a place, because each is synced
// to the disk. Reads are the same from the page cache.
func memoryFile() (path string, remove func(), err error) {
	dir, err := os.MkdirTemp("/dev/shm", "sigra-bench-")
	if err != nil {
		dir, err = os.MkdirTemp("", "sigra-bench-")
	}
	return filepath.Join(dir, "sigra.db"), func() { _ = os.RemoveAll(dir) }, err
}

func (b *bench) curve(c configuration, store session.Store, length time.Duration) error {
	g, err := b.run(c)
	if err != nil {
		return err
	}
	defer g.child.Process.Kill()
	var tokens []session.Token
	for _, size := range sizes {
		more, err := openSessions(b.ctx, store, size-len(tokens), len(tokens))
		if err != nil {
			return fmt.Errorf("making sessions: %w", err)
		}
		tokens = append(tokens, more...)
		row, err := b.curveRow(g, tokens, length)
		if err != nil {
			return fmt.Errorf("%s, %d sessions: %w", c.name, size, err)
		}
		fmt.Fprintf(b.out, "| %s | %d | %s |\n", c.name, size, row)
	}
	return nil
}

// sampled bounds the sessions that are used: twice what the cache holds.
const sampled = 2 * 65536

// curveRow uses the sessions at random and then one alone. Before, each one of
// the sample is used once, so that the cache is as full as it gets.
func (b *bench) curveRow(g *gateway, tokens []session.Token, length time.Duration) (string, error) {
	j := job{Address: g.address, Requests: g.requestsOf(tokens), Status: g.status(), Connections: connections}
	if _, err := b.load(j); err != nil {
		return "", err
	}
	j.Duration = length
	random, err := b.load(j)
	if err != nil {
		return "", err
	}
	if _, err := g.ask("/debug/pprof/heap?gc=1"); err != nil {
		return "", err
	}
	heap, err := g.metric("go_memstats_heap_alloc_bytes")
	if err != nil {
		return "", err
	}
	cached, err := g.metric("caddy_sigra_sessions_cached")
	if err != nil {
		return "", err
	}
	memory := memoryOf(g.child)
	j.Requests = j.Requests[:1]
	one, err := b.load(j)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%.0f | %.0f | %.0f | %s | %s", cached, memory, heap/(1<<20), latencies(random), latencies(one)), nil
}

func latencies(r result) string {
	return fmt.Sprintf("%.0f | %.2f | %.2f", r.perSecond(), milliseconds(r.P50), milliseconds(r.P99))
}

// requestsOf builds requests of random sessions.
func (g *gateway) requestsOf(tokens []session.Token) [][]byte {
	n := min(len(tokens), sampled)
	requests := make([][]byte, n)
	for i, at := range rand.Perm(len(tokens))[:n] {
		requests[i] = g.request(tokens[at].String())
	}
	return requests
}
