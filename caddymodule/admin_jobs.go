package caddymodule

import (
	"errors"
	"net/http"
	"time"

	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
)

// jobView is a mail or other work that waits, as operators see it: never a link.
type jobView struct {
	ID        string    `json:"id"`
	State     string    `json:"state"`
	Kind      string    `json:"kind"`
	To        string    `json:"to,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	NextAt    time.Time `json:"next_at,omitzero"`
	Attempts  int       `json:"attempts"`
	Error     string    `json:"error,omitempty"`
}

// maxListed bounds the list.
const maxListed = 1000

func (o operations) listMails(r *http.Request) (any, error) { return o.listJobs(r, mail.JobKind) }

func (o operations) listWork(r *http.Request) (any, error) { return o.listJobs(r) }

func (o operations) listJobs(r *http.Request, kinds ...job.Kind) (any, error) {
	jobs, err := o.app.engine.db.Jobs().List(r.Context(), maxListed, kinds...)
	if err != nil {
		return nil, err
	}
	views := make([]jobView, 0, len(jobs))
	for _, j := range jobs {
		view := jobView{ID: j.ID, State: "waiting", Kind: string(j.Kind), CreatedAt: j.CreatedAt, NextAt: j.DueAt, Attempts: j.Attempts, Error: j.Error}
		if !j.DeadAt.IsZero() {
			view.State, view.NextAt = "dead", time.Time{}
		}
		var letter mail.Letter
		if j.Kind == mail.JobKind && j.Payload(o.app.engine, &letter) == nil {
			view.Kind, view.To = string(letter.Kind), letter.To
		}
		views = append(views, view)
	}
	return views, nil
}

func (o operations) retryMails(r *http.Request) (any, error) { return o.retryJobs(r, mail.JobKind) }

func (o operations) retryWork(r *http.Request) (any, error) { return o.retryJobs(r) }

func (o operations) retryJobs(r *http.Request, kinds ...job.Kind) (any, error) {
	id := r.PathValue("id")
	n, err := o.app.engine.db.Jobs().Revive(r.Context(), id, time.Now(), kinds...)
	if err == nil && n == 0 && id != "" {
		err = badRequest{errors.New("nothing with this id waits for another try")}
	}
	if err != nil {
		return nil, err
	}
	return map[string]int{"retried": n}, nil
}
