package job

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// queue is a store in memory.
type queue struct {
	mu   sync.Mutex
	jobs map[string]Job
	err  error
}

func (q *queue) Claim(_ context.Context, n int, now time.Time, lease time.Duration, kinds ...Kind) ([]Job, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var claimed []Job
	for id, j := range q.jobs {
		if len(claimed) < n && (len(kinds) == 0 || slices.Contains(kinds, j.Kind)) && j.DeadAt.IsZero() && !j.DueAt.After(now) {
			j.Attempts, j.Lease, j.DueAt = j.Attempts+1, "lease", now.Add(lease)
			q.jobs[id] = j
			claimed = append(claimed, j)
		}
	}
	return claimed, q.err
}

func (q *queue) Renew(_ context.Context, lease string, until time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, j := range q.jobs {
		if j.Lease == lease {
			j.DueAt = until
			q.jobs[id] = j
		}
	}
	return q.err
}

func (q *queue) Done(_ context.Context, j Job) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.jobs, j.ID)
	return nil
}

func (q *queue) Failed(_ context.Context, j Job) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	j.Lease = "" // as the real ones do: else a renewal under way would move the next try
	q.jobs[j.ID] = j
	return nil
}

func (q *queue) Counts(context.Context, ...Kind) (Counts, error) { return Counts{}, nil }

// tally counts results.
type tally struct {
	mu      sync.Mutex
	results []Result
}

func (t *tally) JobTried(_ Kind, r Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.results = append(t.results, r)
}

// plain seals nothing.
type plain struct{}

func (plain) Seal(_ string, p, associated []byte) []byte {
	return slices.Concat(associated, []byte("#"), p)
}

func (plain) Open(_ string, sealed, associated []byte) ([]byte, error) {
	p, ok := strings.CutPrefix(string(sealed), string(associated)+"#")
	if !ok {
		return nil, errors.New("forged")
	}
	return []byte(p), nil
}

// work runs a worker over one job, which waits for another machine, for a time and
// returns what became of both.
func work(t *testing.T, d time.Duration, handler Handler) (left Job, results []Result) {
	return workOn(t, []Kind{"test"}, d, handler)
}

// workOn is work with some kinds that wait for other machines.
func workOn(t *testing.T, slow []Kind, d time.Duration, handler Handler) (left Job, results []Result) {
	synctest.Test(t, func(t *testing.T) {
		j, err := New(plain{}, "test", "payload", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		q, seen := &queue{jobs: map[string]Job{j.ID: j}}, new(tally)
		w := &Worker{
			Store: q, Handlers: map[Kind]Handler{"test": handler}, Slow: slow, Observer: seen, Clock: time.Now, Logger: slog.New(slog.DiscardHandler),
		}
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		w.Run(ctx)
		left, results = q.jobs[j.ID], seen.results
	})
	return left, results
}

func TestWorkerDoesAJobOnce(t *testing.T) {
	n := 0
	left, results := work(t, time.Hour, func(_ context.Context, j Job) error {
		n++
		var text string
		if err := j.Payload(plain{}, &text); err != nil || text != "payload" {
			t.Errorf("payload %q, %v", text, err)
		}
		return nil
	})
	if n != 1 || left.ID != "" || !slices.Equal(results, []Result{ResultDone}) {
		t.Errorf("done %d times, %v, left %+v", n, results, left)
	}
}

func TestWorkerTriesAgainWithBackOff(t *testing.T) {
	var at []time.Time
	left, results := work(t, 6*time.Hour, func(context.Context, Job) error {
		at = append(at, time.Now())
		return errors.New("away")
	})
	if left.Error != "away" || !left.DeadAt.IsZero() || slices.Contains(results, ResultDead) {
		t.Errorf("left %+v", left)
	}
	for i, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute} {
		if got := at[i+1].Sub(at[i]); got < want || got > want+2*poll {
			t.Errorf("wait %d: %s, want %s", i+1, got, want)
		}
	}
	if last := at[len(at)-1].Sub(at[len(at)-2]); last > time.Hour+2*poll {
		t.Errorf("the wait grew to %s", last)
	}
}

// What takes rights away is done soon after the store is back, however long it was away.
func TestWorkerKeepsPromisesSoonAfterAnOutage(t *testing.T) {
	for _, away := range []time.Duration{time.Minute, 32 * time.Minute, 5 * time.Hour} {
		var back, done time.Time
		left, _ := workOn(t, nil, away+3*time.Hour, func(context.Context, Job) error {
			if back.IsZero() {
				back = time.Now().Add(away)
			}
			if time.Now().Before(back) {
				return errors.New("away")
			}
			done = time.Now()
			return nil
		})
		if late := done.Sub(back); left.ID != "" || late > time.Minute {
			t.Errorf("away for %s: done %s after that, left %+v", away, late, left)
		}
	}
}

func TestWorkerGivesUp(t *testing.T) {
	left, results := work(t, giveUp+3*time.Hour, func(context.Context, Job) error { return errors.New(strings.Repeat("x", 5000)) })
	if left.DeadAt.IsZero() || results[len(results)-1] != ResultDead {
		t.Errorf("after %s: %+v", giveUp, left)
	}
	if len(left.Error) > maxError {
		t.Errorf("keeps %d bytes of an error", len(left.Error))
	}
	promised, _ := workOn(t, nil, giveUp+3*time.Hour, func(context.Context, Job) error { return errors.New("not yet") })
	if !promised.DeadAt.IsZero() {
		t.Errorf("what this machine has promised is given up: %+v", promised)
	}
	left, results = work(t, time.Hour, func(context.Context, Job) error { return Permanent(errors.New("no such mailbox")) })
	if left.DeadAt.IsZero() || len(results) != 1 {
		t.Errorf("a permanent failure: %v, %+v", results, left)
	}
}

// A handler that panics ends its job, and nothing else: the others of the same claim
// are done, and so is what comes later.
func TestWorkerOutlivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, seen, log := &queue{jobs: make(map[string]Job)}, new(tally), new(strings.Builder)
		add := func(kind Kind, due time.Duration) string {
			j, err := New(plain{}, kind, nil, time.Now().Add(due))
			if err != nil {
				t.Fatal(err)
			}
			q.jobs[j.ID] = j
			return j.ID
		}
		bad := add("bad", 0)
		add("good", 0)
		add("good", time.Minute)
		w := &Worker{
			Store: q, Observer: seen, Clock: time.Now, Logger: slog.New(slog.NewTextHandler(log, nil)),
			Handlers: map[Kind]Handler{
				"good": func(context.Context, Job) error { return nil },
				"bad":  func(context.Context, Job) error { panic("a secret") },
			},
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		w.Run(ctx)
		slices.Sort(seen.results)
		if !slices.Equal(seen.results, []Result{ResultDead, ResultDone, ResultDone}) || len(q.jobs) != 1 {
			t.Errorf("%v, left %+v", seen.results, q.jobs)
		}
		if left := q.jobs[bad]; left.DeadAt.IsZero() || left.Error != errPanicked.Error() {
			t.Errorf("left %+v", left)
		}
		if told := log.String(); !strings.Contains(told, "TestWorkerOutlivesAPanic") || !strings.Contains(told, bad) {
			t.Errorf("the log tells %s", told)
		}
	})
}

// An attempt may take much longer than a lease: it is renewed, so that no other
// node begins.
func TestWorkerKeepsItsLease(t *testing.T) {
	running, most := 0, 0
	left, _ := work(t, 10*time.Minute, func(ctx context.Context, _ Job) error {
		if running++; running > most {
			most = running
		}
		<-ctx.Done()
		running--
		return ctx.Err()
	})
	if left.Attempts != 4 || left.Error == "" || most != 1 {
		t.Errorf("%d at once, left %+v", most, left)
	}
}

// A node whose clock jumps does nothing early for longer than the jump, loses
// nothing, and gives nothing up that has not been tried for long enough.
func TestWorkerWithAClockThatJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, _ := New(plain{}, "test", nil, time.Now())
		later, _ := New(plain{}, "test", nil, time.Now())
		later = later.At(time.Now().Add(48 * time.Hour))
		q := &queue{jobs: map[string]Job{j.ID: j, later.ID: later}}
		var jump time.Duration
		tried := make(map[string]int)
		w := &Worker{
			Store: q, Observer: new(tally), Logger: slog.New(slog.DiscardHandler), Clock: func() time.Time { return time.Now().Add(jump) },
			Handlers: map[Kind]Handler{"test": func(_ context.Context, j Job) error {
				tried[j.ID]++
				return errors.New("away")
			}},
		}
		run := func(d time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			w.Run(ctx)
		}
		run(time.Minute)
		jump = 24 * time.Hour
		run(time.Minute)
		jump = 0
		before := tried[j.ID]
		run(26 * time.Hour)
		if tried[later.ID] > 0 {
			t.Error("a job of the day after tomorrow was tried")
		}
		if left := q.jobs[j.ID]; tried[j.ID] == before || !left.DeadAt.IsZero() {
			t.Errorf("after the jump: tried %d times, then %d, left %+v", before, tried[j.ID], left)
		}
	})
}

func TestWorkerLeavesUnknownKindsToNewerNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, _ := New(plain{}, "newer", nil, time.Now())
		q := &queue{jobs: map[string]Job{j.ID: j}}
		w := &Worker{Store: q, Observer: new(tally), Clock: time.Now, Logger: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		w.Run(ctx)
		if left := q.jobs[j.ID]; left.ID == "" || !left.DeadAt.IsZero() {
			t.Errorf("left %+v", left)
		}
	})
}

func TestWorkerGoesOnWhenTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{}, 1)
		q := &queue{err: errors.New("away")}
		w := &Worker{Store: q, Observer: new(tally), Clock: time.Now, Logger: slog.New(slog.DiscardHandler), Wake: wake}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		wake <- struct{}{}
		w.Run(ctx) // it ends, and does not spin
	})
}

func TestPayloadIsBoundToItsJob(t *testing.T) {
	j, _ := New(plain{}, "test", "payload", time.Now())
	other, _ := New(plain{}, "test", "payload", time.Now())
	j.Sealed = other.Sealed
	var text string
	if err := j.Payload(plain{}, &text); !IsPermanent(err) {
		t.Errorf("opened the payload of another job: %v", err)
	}
}
