package password

import (
	"context"
	"errors"
	"sync"
)

// maxShare is how many hashes of one user may wait or run at once.
const maxShare = 2

// ErrShare says that as many hashes of a user wait or run as may.
var ErrShare = errors.New("too many passwords of one user are being checked")

type userKey struct{}

// For returns a context whose hashes are those of a signed-in user, who may have two
// wait or run at once: a right password resets the limit on tries, so that one account
// in many browsers could else keep the queue full, and everybody else from signing in.
// Whoever is not signed in has no share: an account that is under attack would have less
// left than one that does not exist, and tell so.
func For(ctx context.Context, userID string) context.Context {
	return context.WithValue(ctx, userKey{}, userID)
}

// shares counts the hashes of users.
type shares struct {
	mu     sync.Mutex
	byUser map[string]int
}

// enter takes a part of the share of the user of a context, until leave is called.
func (s *shares) enter(ctx context.Context) (leave func(), err error) {
	user, _ := ctx.Value(userKey{}).(string)
	if user == "" {
		return func() {}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byUser == nil {
		s.byUser = make(map[string]int)
	}
	if s.byUser[user] >= maxShare {
		return nil, ErrShare
	}
	s.byUser[user]++
	return func() { s.leave(user) }, nil
}

func (s *shares) leave(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byUser[user]--; s.byUser[user] == 0 {
		delete(s.byUser, user)
	}
}
