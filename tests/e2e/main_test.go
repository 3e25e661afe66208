// Package e2e tests whole gateways: the real binary, real stores, a real app
// behind it.
package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"os"
	"strconv"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

func TestMain(m *testing.M) { os.Exit(gateway.Run(m)) }

const ada = "ada@example.com"

// bothStores are the embedded stores, and Postgres and Redis, as global options.
func bothStores(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"embedded": "", "postgres and redis": "storage postgres " + servers.Postgres(t) + "\nsessions redis " + servers.Redis(t).URL + "\n",
	}
}

// onBothEmpty runs a test on both kinds of stores, with mail and more options.
func onBothEmpty(t *testing.T, options string, test func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP)) {
	t.Helper()
	for name, stores := range bothStores(t) {
		t.Run(name, func(t *testing.T) {
			smtp := servers.StartSMTP(t, nil, "")
			test(t, gateway.Start(t, gateway.Config{Global: stores + withMail(smtp) + "\n" + options}), smtp)
		})
	}
}

// onBoth is onBothEmpty with an account of Ada's.
func onBoth(t *testing.T, options string, test func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP)) {
	t.Helper()
	onBothEmpty(t, options, func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP) {
		g.AddUser(ada, "--name", "Ada Lovelace")
		test(t, g, smtp)
	})
}

// pair is two gateways that share Postgres, Redis and the master secret.
type pair struct {
	a, b     *gateway.Gateway
	redis    *servers.RedisServer
	postgres *servers.PostgresServer
}

func newPair(t *testing.T, global string) pair {
	t.Helper()
	r := servers.Redis(t)
	p := newPairOn(t, r.URL, global)
	p.redis = r
	return p
}

// newPairOn is newPair with a Redis of any kind, or without one.
func newPairOn(t *testing.T, redisURL, global string) pair {
	t.Helper()
	p := pair{postgres: servers.DedicatedPostgres(t)}
	secret := make([]byte, 32)
	rand.Read(secret)
	if redisURL != "" {
		global += "\nsessions redis {env.REDIS}\n"
	}
	config := gateway.Config{
		Global: "storage postgres {env.DSN}\nsecret {env.SECRET}\n" + global,
		Site:   "sigra {\npublic /public/*\n}\nreverse_proxy {upstream}",
		Env:    []string{"DSN=" + p.postgres.DSN, "REDIS=" + redisURL, "SECRET=" + base64.StdEncoding.EncodeToString(secret)},
	}
	p.a, p.b = gateway.New(t, config), gateway.New(t, config)
	p.a.Launch() // both at once, on an empty database
	p.b.Launch()
	for _, g := range []*gateway.Gateway{p.a, p.b} {
		c := g.NewClient()
		g.Await(func() error {
			answer, err := c.Try(c.Request("GET", "/_auth/healthz", ""))
			if err == nil && answer.StatusCode != 200 {
				err = errStatus(answer.StatusCode)
			}
			return err
		})
	}
	p.a.AddUser(ada)
	return p
}

// errStatus is an answer that was not the one to wait for.
type errStatus int

func (e errStatus) Error() string { return "status " + strconv.Itoa(int(e)) }
