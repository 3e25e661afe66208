package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore/job"
)

// JobQueue is a job.Store with what promises and operators need.
type JobQueue interface {
	job.Store
	Add(ctx context.Context, jobs ...job.Job) error
	List(ctx context.Context, limit int, kinds ...job.Kind) ([]job.Job, error)
	Revive(ctx context.Context, id string, now time.Time, kinds ...job.Kind) (int, error)
}

// Jobs tests job.Store.
func Jobs(t *testing.T, open func(testing.TB) JobQueue) {
	cases(t, open, map[string]func(context.Context, *testing.T, JobQueue){
		"claimed, done":  testJobDone,
		"lease ends":     testJobLease,
		"lease renewed":  testJobRenew,
		"dead, revived":  testJobDead,
		"not yet due":    testJobDue,
		"many claimants": testJobRace,
		"one for all":    testJobSubject,
	})
}

// A job that waits does for another about the same; one that has begun does not, since
// it may be past what has changed.
func testJobSubject(ctx context.Context, t *testing.T, q JobQueue) {
	about := func(kind job.Kind, subject string) job.Job { return newJob(kind).About(subject) }
	first := about("a", "acme").At(now().Add(time.Hour)) // as one that has failed
	must(t, q.Add(ctx, first))
	must(t, q.Add(ctx, about("a", "acme"), about("a", "acme")))
	wantCounts(ctx, t, q, job.Counts{Waiting: 1})
	begun := claim(ctx, t, q, now()) // due as the later ones were
	same(t, "the one", begun.ID, first.ID)
	must(t, q.Add(ctx, about("a", "acme")))
	wantCounts(ctx, t, q, job.Counts{Waiting: 2})
	must(t, q.Add(ctx, about("a", "other"), about("b", "acme"), newJob("a"), newJob("a")))
	wantCounts(ctx, t, q, job.Counts{Waiting: 6})
	begun.DeadAt = now()
	must(t, q.Failed(ctx, begun))
	must(t, q.Add(ctx, about("a", "acme")))
	wantCounts(ctx, t, q, job.Counts{Waiting: 5, Dead: 1})
	dead, err := q.List(ctx, 1)
	if err != nil || len(dead) != 1 || dead[0].ID != first.ID {
		t.Errorf("%+v, %v", dead, err)
	}
}

func testJobRenew(ctx context.Context, t *testing.T, q JobQueue) {
	must(t, q.Add(ctx, newJob("kept")))
	kept := claim(ctx, t, q, now())
	must(t, q.Renew(ctx, kept.Lease, now().Add(time.Hour)))
	must(t, q.Renew(ctx, "another", now().Add(-time.Hour)))
	must(t, q.Renew(ctx, "", now().Add(-time.Hour)))
	if jobs, err := q.Claim(ctx, 1, now().Add(59*time.Minute), time.Minute); err != nil || len(jobs) > 0 {
		t.Errorf("claimed a job whose lease was renewed: %v, %v", jobs, err)
	}
	taken := claim(ctx, t, q, now().Add(61*time.Minute))
	must(t, q.Renew(ctx, kept.Lease, now().Add(-time.Hour))) // it has lost it
	if jobs, err := q.Claim(ctx, 1, now(), time.Minute); err != nil || len(jobs) > 0 || taken.Lease == kept.Lease {
		t.Errorf("claimed %v, %v", jobs, err)
	}
}

func newJob(kind job.Kind) job.Job {
	return job.Job{ID: newID(), Kind: kind, Sealed: []byte{0, 1, 0xff}, CreatedAt: now(), DueAt: now()}
}

// claim claims one job, which must be there.
func claim(ctx context.Context, t *testing.T, q JobQueue, at time.Time) job.Job {
	t.Helper()
	jobs, err := q.Claim(ctx, 1, at, time.Minute)
	must(t, err)
	if len(jobs) != 1 {
		t.Fatalf("claimed %d jobs, want 1", len(jobs))
	}
	return jobs[0]
}

func wantCounts(ctx context.Context, t *testing.T, q JobQueue, want job.Counts) {
	t.Helper()
	got, err := q.Counts(ctx)
	must(t, err)
	same(t, "the counts", got, want)
}

func testJobDone(ctx context.Context, t *testing.T, q JobQueue) {
	first, second := newJob("a"), newJob("b")
	must(t, q.Add(ctx, first, second))
	wantCounts(ctx, t, q, job.Counts{Waiting: 2})
	got := claim(ctx, t, q, now())
	if got.Attempts != 1 || got.Lease == "" || !got.DueAt.After(now()) {
		t.Errorf("claimed %+v", got)
	}
	got.Attempts, got.Lease, got.DueAt = 0, "", first.DueAt
	same(t, "the oldest job", got, first)
	got = claim(ctx, t, q, now())
	same(t, "the next", got.ID, second.ID)
	must(t, q.Done(ctx, got))
	must(t, q.Done(ctx, got)) // again: nothing
	wantCounts(ctx, t, q, job.Counts{Waiting: 1})
}

func testJobLease(ctx context.Context, t *testing.T, q JobQueue) {
	must(t, q.Add(ctx, newJob("a")))
	slow := claim(ctx, t, q, now())
	if jobs, err := q.Claim(ctx, 1, now().Add(59*time.Second), time.Minute); err != nil || len(jobs) > 0 {
		t.Fatalf("claimed a leased job: %v, %v", jobs, err)
	}
	next := claim(ctx, t, q, now().Add(time.Hour))
	if next.Attempts != 2 || next.Lease == slow.Lease {
		t.Errorf("claimed again as %+v", next)
	}
	// The slow one has no say any more.
	must(t, q.Done(ctx, slow))
	slow.DeadAt = now()
	must(t, q.Failed(ctx, slow))
	wantCounts(ctx, t, q, job.Counts{Waiting: 1})
	must(t, q.Done(ctx, next))
	wantCounts(ctx, t, q, job.Counts{})
}

func testJobDead(ctx context.Context, t *testing.T, q JobQueue) {
	must(t, q.Add(ctx, newJob("a"), newJob("b")))
	j := claim(ctx, t, q, now())
	j.DeadAt, j.Error = now(), "no such mailbox \x00\xff"
	must(t, q.Failed(ctx, j))
	wantCounts(ctx, t, q, job.Counts{Waiting: 1, Dead: 1})
	other := claim(ctx, t, q, now().Add(time.Hour))
	if other.ID == j.ID {
		t.Fatal("a dead job was claimed")
	}
	list, err := q.List(ctx, 10)
	must(t, err)
	if len(list) != 2 || list[0].ID != j.ID || list[0].DeadAt.IsZero() || list[0].Error == "" {
		t.Fatalf("listed %+v", list)
	}
	for id, want := range map[string]int{other.ID: 0, j.ID: 1} {
		n, err := q.Revive(ctx, id, now())
		must(t, err)
		same(t, "revived", n, want)
	}
	again := claim(ctx, t, q, now())
	same(t, "the revived job", again.ID, j.ID)
	same(t, "its attempts", again.Attempts, 1)
}

func testJobDue(ctx context.Context, t *testing.T, q JobQueue) {
	later := newJob("a")
	later.DueAt = now().Add(time.Hour)
	must(t, q.Add(ctx, later))
	if jobs, err := q.Claim(ctx, 5, now(), time.Minute); err != nil || len(jobs) > 0 {
		t.Fatalf("claimed before it was due: %v, %v", jobs, err)
	}
	j := claim(ctx, t, q, now().Add(2*time.Hour))
	j.DueAt = now().Add(3 * time.Hour)
	must(t, q.Failed(ctx, j))
	if jobs, err := q.Claim(ctx, 5, now().Add(2*time.Hour), time.Minute); err != nil || len(jobs) > 0 {
		t.Fatalf("claimed before the next attempt was due: %v, %v", jobs, err)
	}
	claim(ctx, t, q, now().Add(4*time.Hour))
}

func testJobRace(ctx context.Context, t *testing.T, q JobQueue) {
	jobs := make([]job.Job, 60)
	for i := range jobs {
		jobs[i] = newJob("a")
	}
	must(t, q.Add(ctx, jobs...))
	var mu sync.Mutex
	var group sync.WaitGroup
	claims := make(map[string]int)
	for range 6 {
		group.Go(func() {
			for range 20 {
				got, err := q.Claim(ctx, 3, now(), time.Minute)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				for _, j := range got {
					claims[j.ID]++
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	for id, n := range claims {
		if n > 1 {
			t.Errorf("job %s was claimed %d times", id, n)
		}
	}
	same(t, "the claimed jobs", len(claims), len(jobs))
}
