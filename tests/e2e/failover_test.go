package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// The master that holds a session dies before its replica has heard that the
// session was revoked. What the replica still has lets nobody in, at any node.
func TestRedisFailsOver(t *testing.T) {
	everywhere := func(p pair, _ open) error {
		_, err := p.a.CLI("", "session", "revoke", ada)
		return err
	}
	signOut := func(p pair, o open) error {
		return expect(o.At(p.a).Post("/_auth/logout", nil), http.StatusSeeOther)
	}
	for name, test := range map[string]struct {
		begin  func(*testing.T) (p pair, o open, master, replica *servers.RedisServer)
		revoke func(pair, open) error
	}{
		"sentinel":                {onSentinel, everywhere},
		"cluster":                 {onCluster(true), signOut},
		"cluster, another master": {onCluster(false), everywhere},
	} {
		t.Run(name, func(t *testing.T) {
			p, o, master, replica := test.begin(t)
			cookie := "sigra=" + o.SessionCookie()
			master.Cut(t, replica)
			if err := test.revoke(p, o); err != nil {
				t.Fatal(err)
			}
			o.mustEnd(t)
			master.Kill(t)
			replica.Resume(t)
			killed := time.Now()
			for end := time.Now().Add(15 * time.Second); replica.Promoted() != nil && time.Now().Before(end); {
				staysOut(t, p, cookie)
			}
			promoted := time.Since(killed)
			for _, g := range []*gateway.Gateway{p.a, p.b} {
				g.Await(func() error {
					staysOut(t, p, cookie)
					return expect(g.NewClient().Post("/_auth/login", credentialsOf(ada)), http.StatusSeeOther)
				})
			}
			staysOut(t, p, cookie)
			t.Logf("the replica took over after %s, sign-in works after %s", promoted, time.Since(killed))
		})
	}
}

func onSentinel(t *testing.T) (pair, open, *servers.RedisServer, *servers.RedisServer) {
	s := servers.RedisSentinel(t)
	p := newPairOn(t, s.URL, roomy)
	return p, openAt(t, p), s.Nodes[0], s.Nodes[1]
}

// onCluster opens a session on a cluster, on the master that carries the notices
// between the nodes or on another one, and gives that master a replica.
func onCluster(withNotices bool) func(*testing.T) (pair, open, *servers.RedisServer, *servers.RedisServer) {
	return func(t *testing.T) (pair, open, *servers.RedisServer, *servers.RedisServer) {
		s := servers.RedisCluster(t)
		p := newPairOn(t, s.URL, roomy)
		for {
			o := openAt(t, p)
			token, ok := session.ParseToken(o.SessionCookie())
			if !ok {
				t.Fatalf("no token: %q", o.SessionCookie())
			}
			master := s.MasterOf(t, "sigra:s:"+session.Token(token.Hash()).String())
			if withNotices == (master == s.MasterOf(t, "sigra:{bus0}:all")) {
				return p, o, master, s.Replica(t, master)
			}
		}
	}
}

// staysOut tries a session that has ended at both nodes, also for a stream.
func staysOut(t *testing.T, p pair, cookie string) {
	t.Helper()
	for name, g := range map[string]*gateway.Gateway{"A": p.a, "B": p.b} {
		c := g.NewClient()
		if status := c.Fetch("/", "Cookie", cookie).StatusCode; status != http.StatusUnauthorized && status != http.StatusServiceUnavailable {
			t.Fatalf("the revoked session at %s: %d", name, status)
		}
		ws, err := c.WebSocket("Cookie", cookie)
		if err == nil {
			_ = ws.CloseNow()
			t.Fatalf("the revoked session opens a WebSocket at %s", name)
		}
	}
}
