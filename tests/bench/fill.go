package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/storage/local"
)

// fillers is how many sessions are made at once.
const fillers = 64

// openSessions makes sessions in a store as a sign-in does, each of a user of
// its own; first numbers the users.
func openSessions(ctx context.Context, store session.Store, count, first int) ([]session.Token, error) {
	manager := session.New(session.Options{
		Store: store, Bus: new(local.Bus), Settings: session.DefaultSettings(), Clock: time.Now,
		Logger: slog.New(slog.DiscardHandler),
	})
	tokens := make([]session.Token, count)
	failed := make([]error, fillers)
	var running sync.WaitGroup
	for worker := range fillers {
		running.Go(func() {
			for i := worker; i < count && failed[worker] == nil; i += fillers {
				if i > 0 && i%100_000 == 0 {
					fmt.Fprintf(os.Stderr, "%d sessions made\n", first+i)
				}
				tokens[i], _, failed[worker] = manager.Open(ctx, grantTo(first+i), commitNothing)
			}
		})
	}
	running.Wait()
	return tokens, errors.Join(failed...)
}

func commitNothing(context.Context, *session.Session) error { return nil }

func grantTo(user int) session.Grant {
	now := time.Now()
	return session.Grant{
		Identity: authcore.Identity{
			UserID: fmt.Sprintf("user-%08d", user), Kind: authcore.KindSession,
			Email: fmt.Sprintf("user-%d@example.com", user), EmailVerified: true, Name: "Ada Lovelace",
			Level: authcore.AAL1, Factors: []authcore.Factor{{Kind: authcore.FactorPassword, At: now}},
		},
		Client: authcore.Client{IP: "192.0.2.1", UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
	}
}
