package caddymodule

import (
	"net/http"

	"github.com/sigra-auth/sigra/authcore/userimport"
)

// importAnswer is the answer to `caddy sigra user import`.
type importAnswer struct {
	Accounts int `json:"accounts"`
	// State is imported or, of a dry run, checked.
	State string `json:"state"`
}

func (o operations) importUsers(r *http.Request) (any, error) {
	var rows []userimport.Row
	if err := decodeBody(r, &rows); err != nil {
		return nil, err
	}
	dryRun := r.URL.Query().Has("dry_run")
	n, err := o.app.imports.Import(r.Context(), rows, dryRun)
	if err != nil {
		return nil, err
	}
	answer := importAnswer{n, "imported"}
	if dryRun {
		answer.State = "checked"
	}
	return answer, nil
}
