package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/session"
)

// now is the present in the precision that stores keep.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func newUser(name string) authcore.User {
	return authcore.User{
		ID: newID(), Email: name + "@Example.com", EmailKey: name + "@example.com",
		EmailVerifiedAt: now().Add(-time.Hour), Name: "Ünïcode " + name, Role: authcore.RoleAdmin,
		CreatedAt: now(), UpdatedAt: now(),
	}
}

func newEvent(action audit.Action) audit.Event {
	client := authcore.Client{IP: "192.0.2.1", UserAgent: "storetest"}
	return audit.New(now(), action, client).With("reason", "test")
}

func newHash() (h session.Hash) {
	rand.Read(h[:])
	return h
}

func newRecord(userID string) *session.Record {
	return &session.Record{
		ID: newID(), UserID: userID, Data: []byte("{\"any\":\"data\"}\x00\xff"),
		Seen: session.Seen{At: now(), IP: "2001:db8::1"}, ExpiresAt: now().Add(time.Hour), Idle: time.Minute,
	}
}

// must fails the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError fails the test unless the error is the wanted one.
func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error is %v, want %v", err, want)
	}
}

// concurrently runs a function n times at once and returns the errors.
func concurrently(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-start
			errs[i] = f(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	return errs
}

// wantWinners fails the test unless n calls succeeded and the others failed
// with one of the given errors.
func wantWinners(t testing.TB, errs []error, n int, allowed ...error) {
	t.Helper()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		known := false
		for _, a := range allowed {
			known = known || errors.Is(err, a)
		}
		if !known {
			t.Errorf("unexpected error: %v", err)
		}
	}
	if won != n {
		t.Errorf("%d calls succeeded, want %d", won, n)
	}
}

// cases runs each function as a parallel subtest with a store of its own.
func cases[S any](t *testing.T, open func(testing.TB) S, tests map[string]func(context.Context, *testing.T, S)) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			test(ctx, t, open(t))
		})
	}
}

// same fails the test unless two values print alike.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("%s is\n%s, want\n%s", what, g, w)
	}
}
