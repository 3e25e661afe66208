package caddymodule

import (
	"errors"
	"net/http"
	"time"

	"github.com/sigra-auth/sigra/authcore/mail"
)

// mailView is a mail that waits, as operators see it: never its link.
type mailView struct {
	ID        string    `json:"id"`
	State     string    `json:"state"`
	Kind      string    `json:"kind"`
	To        string    `json:"to,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	NextAt    time.Time `json:"next_at,omitzero"`
	Attempts  int       `json:"attempts"`
	Error     string    `json:"error,omitempty"`
}

// maxListed bounds the list of mails.
const maxListed = 1000

func (o operations) listMails(r *http.Request) (any, error) {
	jobs, err := o.app.engine.db.Jobs().List(r.Context(), maxListed, mail.JobKind)
	if err != nil {
		return nil, err
	}
	views := make([]mailView, 0, len(jobs))
	for _, j := range jobs {
		view := mailView{ID: j.ID, State: "waiting", Kind: string(j.Kind), CreatedAt: j.CreatedAt, NextAt: j.DueAt, Attempts: j.Attempts, Error: j.Error}
		if !j.DeadAt.IsZero() {
			view.State, view.NextAt = "dead", time.Time{}
		}
		var letter mail.Letter
		if j.Payload(o.app.engine, &letter) == nil {
			view.Kind, view.To = string(letter.Kind), letter.To
		}
		views = append(views, view)
	}
	return views, nil
}

func (o operations) retryMails(r *http.Request) (any, error) {
	id := r.PathValue("id")
	n, err := o.app.engine.db.Jobs().Revive(r.Context(), id, time.Now(), mail.JobKind)
	if err == nil && n == 0 && id != "" {
		err = badRequest{errors.New("no mail with this id waits for another try")}
	}
	if err != nil {
		return nil, err
	}
	return map[string]int{"retried": n}, nil
}
