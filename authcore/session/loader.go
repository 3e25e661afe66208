package session

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/sigra-auth/sigra/authcore"
)

const (
	// batchesInFlight bounds the concurrent reads of the store; requests that
	// arrive meanwhile share the next one. More at once would be smaller ones,
	// which cost both sides more than the wait.
	batchesInFlight = 1
	// batchSize bounds one read.
	batchSize = 512
)

// loader coalesces the reads of concurrent requests into few batched ones. A
// batch is read after every request in it has asked, so that its answer is
// never older than the question.
type loader struct {
	store  Store
	logger *slog.Logger

	mu       sync.Mutex
	waiting  *batch
	inFlight int
}

type batch struct {
	hashes  []Hash
	index   map[Hash]int // where a hash is: many requests may ask for one
	done    chan struct{}
	records []*Record
	err     error
}

// load returns the record under a hash, nil when there is none.
func (l *loader) load(ctx context.Context, h Hash) (*Record, error) {
	l.mu.Lock()
	b := l.waiting
	if b == nil {
		b = &batch{index: make(map[Hash]int), done: make(chan struct{})}
		l.waiting = b
	}
	i, asked := b.index[h]
	if !asked {
		i = len(b.hashes)
		b.index[h] = i
		b.hashes = append(b.hashes, h)
	}
	lead := l.inFlight < batchesInFlight
	if lead {
		l.inFlight++
		l.waiting = nil
	}
	l.mu.Unlock()

	if lead {
		l.read(b)
		l.handOver()
	}
	select {
	case <-b.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if b.err != nil {
		return nil, b.err
	}
	return b.records[i], nil
}

// handOver gives the leader's slot to the batch that has gathered meanwhile.
func (l *loader) handOver() {
	l.mu.Lock()
	b := l.waiting
	l.waiting = nil
	if b == nil {
		l.inFlight--
	}
	l.mu.Unlock()
	if b != nil {
		go func() {
			l.read(b)
			l.handOver()
		}()
	}
}

// read fills a batch. It does not use the context of any one request, whose
// cancellation must not fail the others. A store that panics fails the batch alone:
// the requests behind it would else wait for a reader that is gone.
func (l *loader) read(b *batch) {
	defer close(b.done)
	defer func() {
		if panicked := recover(); panicked != nil {
			l.logger.Error("session store panicked", slog.Any("panic", panicked), slog.String("stack", string(debug.Stack())))
			b.err = errPanicked
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	for start := 0; start < len(b.hashes) && b.err == nil; start += batchSize {
		end := min(start+batchSize, len(b.hashes))
		var records []*Record
		records, b.err = l.store.Find(ctx, b.hashes[start:end])
		b.records = append(b.records, records...)
	}
}

// errPanicked is what requests are told of a panic: its value may hold secrets.
var errPanicked = fmt.Errorf("the session store panicked: %w", authcore.ErrUnavailable)
