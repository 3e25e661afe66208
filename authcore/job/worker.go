package job

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

const (
	// parallel is how many jobs one node does at once, of the slow kinds and of the
	// others.
	parallel = 8
	// lease is how long a node has a job without a sign of life: when it dies,
	// another one takes over after that. Clocks may differ by less.
	lease = 30 * time.Second
	// renew is how often a node gives a sign of life.
	renew = lease / 3
	// deadline bounds an attempt.
	deadline = 2 * time.Minute
	// poll is how often a node looks for jobs that nobody told it of.
	poll = time.Second
	// storeTimeout bounds a call to the store.
	storeTimeout = 5 * time.Second
	// maxError bounds what is kept of an error, in bytes.
	maxError = 500
)

// giveUp is the age at which a job that keeps failing is dead: a mail server
// that is away over a long weekend loses nothing.
const giveUp = 4 * 24 * time.Hour

// Handler does a job. An error means that it is tried again, unless it is
// [Permanent]. A handler that has already removed the job, in the transaction
// of what it did, is fine.
type Handler func(ctx context.Context, j Job) error

// Observer counts attempts; result is one of the constants.
type Observer interface {
	JobTried(kind Kind, result Result)
}

// Result is how an attempt ended. It is a metric label.
type Result string

// The results.
const (
	ResultDone  Result = "done"
	ResultRetry Result = "retry"
	ResultDead  Result = "dead"
)

// Worker does jobs as they come due: those that it has a handler for, so that those
// of a newer node are left to it.
type Worker struct {
	Store    Store
	Handlers map[Kind]Handler
	// Slow are the kinds that wait for other machines: they hold up no others, are
	// tried ever more rarely, and are given up after four days. The others see to
	// something that this machine has promised, and are tried until it is done.
	Slow     []Kind
	Observer Observer
	Clock    authcore.Clock
	Logger   *slog.Logger
	// Wake tells the worker that there is a job, so that it need not wait for
	// its next look. It has room for one.
	Wake <-chan struct{}
}

// Run does jobs until the context ends; attempts under way are finished.
func (w *Worker) Run(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	var wakes []chan struct{}
	for _, kinds := range w.lanes() {
		wake := make(chan struct{}, 1)
		wakes = append(wakes, wake)
		group.Go(func() { w.lane(ctx, kinds, wake) })
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.Wake:
		}
		for _, wake := range wakes {
			select {
			case wake <- struct{}{}:
			default: // it is about to look
			}
		}
	}
}

// lanes are the kinds that wait for each other: a mail server that hangs must not
// hold up what ends sessions.
func (w *Worker) lanes() [][]Kind {
	var slow, quick []Kind
	for kind := range w.Handlers {
		if slices.Contains(w.Slow, kind) {
			slow = append(slow, kind)
		} else {
			quick = append(quick, kind)
		}
	}
	return slices.DeleteFunc([][]Kind{slow, quick}, func(kinds []Kind) bool { return len(kinds) == 0 })
}

// lane does the jobs of some kinds.
func (w *Worker) lane(ctx context.Context, kinds []Kind, wake <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-timer.C:
		}
		for w.round(ctx, kinds) {
		}
		timer.Reset(poll)
	}
}

// round does what is due, up to one claim, and reports whether there may be
// more.
func (w *Worker) round(ctx context.Context, kinds []Kind) (more bool) {
	if ctx.Err() != nil {
		return false
	}
	claim, cancel := context.WithTimeout(ctx, storeTimeout)
	jobs, err := w.Store.Claim(claim, parallel, w.Clock(), lease, kinds...)
	cancel()
	if err != nil {
		w.Logger.Debug("jobs not claimed, they are tried again", slog.Any("error", err))
		return false
	}
	if len(jobs) == 0 {
		return false
	}
	ctx = context.WithoutCancel(ctx)
	alive, stop := context.WithCancel(ctx)
	defer stop()
	go w.keep(alive, jobs[0].Lease)
	var group sync.WaitGroup
	for _, j := range jobs {
		group.Go(func() { w.do(ctx, j) })
	}
	group.Wait()
	return len(jobs) == parallel
}

// keep renews the lease of a claim until its context ends.
func (w *Worker) keep(ctx context.Context, claimed string) {
	tick := time.NewTicker(renew)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		call, cancel := context.WithTimeout(ctx, storeTimeout)
		err := w.Store.Renew(call, claimed, w.Clock().Add(lease))
		cancel()
		if err != nil && ctx.Err() == nil {
			w.Logger.Debug("lease of jobs not renewed", slog.Any("error", err))
		}
	}
}

// do tries a job.
func (w *Worker) do(ctx context.Context, j Job) {
	err := w.attempt(ctx, j)
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err == nil {
		w.Observer.JobTried(j.Kind, ResultDone)
		if err := w.Store.Done(ctx, j); err != nil {
			w.Logger.Warn("job done, but not noted; it will be done again", slog.String("job", j.ID), slog.Any("error", err))
		}
		return
	}
	now := w.Clock()
	j.Error = clip(err.Error())
	j.DueAt = now.Add(w.backOff(j))
	result := ResultRetry
	if IsPermanent(err) || slices.Contains(w.Slow, j.Kind) && now.Sub(j.CreatedAt) > giveUp {
		result, j.DeadAt = ResultDead, now
		w.Logger.Error("job given up; see `caddy sigra job list`", slog.String("job", j.ID), slog.String("kind", string(j.Kind)), slog.Any("error", err))
	} else {
		w.Logger.Warn("job failed, it is tried again", slog.String("job", j.ID), slog.String("kind", string(j.Kind)),
			slog.Time("next", j.DueAt), slog.Any("error", err))
	}
	w.Observer.JobTried(j.Kind, result)
	if err := w.Store.Failed(ctx, j); err != nil {
		w.Logger.Warn("failed job not noted", slog.String("job", j.ID), slog.Any("error", err))
	}
}

// attempt runs the handler of a job. One that panics fails for good: the job is
// stored, so it would end the process again after each start, on every node.
func (w *Worker) attempt(ctx context.Context, j Job) (err error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	defer func() {
		if panicked := recover(); panicked != nil {
			w.Logger.Error("job panicked", slog.String("job", j.ID), slog.String("kind", string(j.Kind)),
				slog.Any("panic", panicked), slog.String("stack", string(debug.Stack())))
			err = Permanent(errPanicked)
		}
	}()
	return w.Handlers[j.Kind](ctx, j)
}

// errPanicked is what is kept of a panic: its value may hold secrets.
var errPanicked = errors.New("the handler panicked; the log has the stack")

// backOff is the wait after a failed attempt: half a minute and, for the slow kinds,
// doubling up to an hour. What takes rights away must not wait much longer than the
// store was away.
func (w *Worker) backOff(j Job) time.Duration {
	wait := 30 * time.Second
	if !slices.Contains(w.Slow, j.Kind) {
		return wait
	}
	for range min(j.Attempts-1, 8) {
		wait *= 2
	}
	return min(wait, time.Hour)
}

func clip(text string) string {
	if len(text) > maxError {
		text = text[:maxError]
	}
	return text
}
