package session

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
)

// maxUnsent bounds the messages that are kept until they can be published. Beyond
// it, other nodes are told to trust nothing of what they hold.
const maxUnsent = 256

// unsent is what other nodes have not been told yet. What a message is about is done
// and cannot be found again by who repeats the call: the message must be kept.
type unsent struct {
	mu   sync.Mutex
	list []*owed
}

// owed is a message that is being published, or could not be.
type owed struct {
	userID string // whose sessions it is about, less when it is about all
	msg    *message
	failed bool
}

// concerns reports whether other nodes have yet to be told of sessions of a user.
func (u *unsent) concerns(userID string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.ContainsFunc(u.list, func(o *owed) bool { return o.userID == userID || o.msg.All })
}

// begin notes a message, if not nil, and returns what to publish: it, and before it
// those that failed or are about the same user. That may be twice, which does no harm.
func (u *unsent) begin(userID string, msg *message) (batch []*owed) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if msg != nil {
		u.list = append(u.list, &owed{userID: userID, msg: msg})
	}
	for _, o := range u.list {
		if o.failed || o.userID == userID {
			batch = append(batch, o)
		}
	}
	return batch
}

// end says whether a batch was published.
func (u *unsent) end(batch []*owed, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err == nil {
		u.list = slices.DeleteFunc(u.list, func(o *owed) bool { return slices.Contains(batch, o) })
		return
	}
	for _, o := range batch {
		o.failed = true
	}
	rest := slices.DeleteFunc(slices.Clone(u.list), func(o *owed) bool { return o.failed })
	if len(u.list)-len(rest) > maxUnsent {
		u.list = append(rest, &owed{msg: &message{All: true}, failed: true})
	}
}

// tell applies a message about sessions of a user here at once, and on every other
// node. When that fails, it is sent again later.
func (m *Manager) tell(ctx context.Context, userID string, msg *message) error {
	m.apply(msg)
	return m.send(ctx, userID, msg)
}

// told fails unless every node knows what was done to the sessions of a user. It is
// asked where there was nothing left to do.
func (m *Manager) told(ctx context.Context, userID string) error {
	if !m.unsent.concerns(userID) {
		return nil
	}
	return m.send(ctx, userID, nil)
}

// resend publishes what could not be published before.
func (m *Manager) resend(ctx context.Context) {
	if err := m.send(ctx, "", nil); err != nil {
		m.logger.Debug("other nodes not told of sessions", slog.Any("error", err))
	}
}

// send publishes a message, if not nil, with what is owed.
func (m *Manager) send(ctx context.Context, userID string, msg *message) error {
	batch := m.unsent.begin(userID, msg)
	if len(batch) == 0 {
		return nil
	}
	err := m.publish(ctx, batch)
	m.unsent.end(batch, err)
	return err
}

func (m *Manager) publish(ctx context.Context, batch []*owed) error {
	var whole message
	for _, o := range batch {
		whole.add(o.msg)
	}
	payload, err := whole.encode()
	if err != nil {
		return fmt.Errorf("encoding session message: %w", err)
	}
	if err := m.bus.Publish(ctx, payload); err != nil {
		return fmt.Errorf("telling other nodes: %w", err)
	}
	return nil
}
