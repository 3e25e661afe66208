package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/storage/local"
	"github.com/sigra-auth/sigra/storage/redisstore"
)

// curve measures one gateway with more and more live sessions in Redis, used
// at random: memory must stop at the bound of the cache, and latency stay.
func (b *bench) curve(length time.Duration) error {
	g, err := b.run("curve", "sigra {\nsessions redis redis://"+b.redisAddr+"\n}", "sigra\nreverse_proxy {app}")
	if err != nil {
		return err
	}
	g.signedIn = true
	fmt.Printf("%s\n\n| live sessions | used at random: req/s | p50 ms | p99 ms | one session: p50 ms | gateway's memory MiB |\n|---|---|---|---|---|---|\n", machine())
	var tokens []session.Token
	for _, count := range []int{10, 1000, 100_000, 1_000_000} {
		more, err := b.open(count - len(tokens))
		if err != nil {
			return err
		}
		tokens = append(tokens, more...)
		spread := g.requestsOf(tokens)
		random, err := b.load(job{Address: g.address, Requests: spread, Status: 200, Connections: connections, Duration: 3 * length})
		if err != nil {
			return err
		}
		one, err := b.load(job{Address: g.address, Requests: spread[:1], Status: 200, Connections: connections, Duration: length})
		if err != nil {
			return err
		}
		fmt.Printf("| %d | %.0f | %.2f | %.2f | %.2f | %d |\n", count, float64(random.Requests)/random.Elapsed.Seconds(),
			random.P50.Seconds()*1e3, random.P99.Seconds()*1e3, one.P50.Seconds()*1e3, memoryOf(g.child))
	}
	return nil
}

// sampled bounds the sessions that are used: twice what the cache holds.
const sampled = 1 << 17

// requestsOf builds requests of random sessions.
func (g *gateway) requestsOf(tokens []session.Token) [][]byte {
	n := min(len(tokens), sampled)
	requests := make([][]byte, n)
	for i, at := range rand.Perm(len(tokens))[:n] {
		requests[i] = g.request(tokens[at].String())
	}
	return requests
}

// open makes sessions of as many users, as a gateway would.
func (b *bench) open(count int) ([]session.Token, error) {
	options, err := redisstore.ParseURL("redis://" + b.redisAddr)
	if err != nil {
		return nil, err
	}
	client := redisstore.Open(options, "")
	defer client.Close()
	manager := session.New(session.Options{
		Store: client.Sessions(), Bus: new(local.Bus), Settings: session.DefaultSettings(), Clock: time.Now,
		Logger: slog.New(slog.DiscardHandler),
	})
	tokens := make([]session.Token, count)
	var failed error
	var once sync.Once
	var running sync.WaitGroup
	next := make(chan int)
	for range 64 {
		running.Go(func() {
			for i := range next {
				identity := authcore.Identity{
					UserID: fmt.Sprintf("u%d-%d", count, i), Kind: authcore.KindSession, Email: email, EmailVerified: true,
					Name: "Ada Lovelace", Level: authcore.AAL1,
				}
				token, _, err := manager.Open(context.Background(), session.Grant{Identity: identity, Client: authcore.Client{IP: "192.0.2.1", UserAgent: "bench"}},
					func(context.Context, *session.Session) error { return nil })
				if err != nil {
					once.Do(func() { failed = err })
				}
				tokens[i] = token
			}
		})
	}
	for i := range count {
		if i > 0 && i%100_000 == 0 {
			fmt.Fprintf(os.Stderr, "%d sessions made\n", i)
		}
		next <- i
	}
	close(next)
	running.Wait()
	return tokens, failed
}

// memoryOf returns the resident memory of a process in MiB.
func memoryOf(c *child) int {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Process.Pid))
	if err != nil {
		return 0 // not Linux
	}
	_, rest, _ := strings.Cut(string(raw), "VmRSS:")
	var kilobytes int
	_, _ = fmt.Sscan(rest, &kilobytes)
	return kilobytes >> 10
}
