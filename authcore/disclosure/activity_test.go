package disclosure_test

import (
	"context"
	"slices"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/disclosure"
	"github.com/sigra-auth/sigra/authcore/session"
)

// trail is an audit log of one user.
type trail []audit.Event

func (l trail) EventsOf(_ context.Context, _, _ string, limit int, less ...audit.Action) ([]audit.Event, error) {
	left := slices.DeleteFunc(slices.Clone(l), func(e audit.Event) bool { return slices.Contains(less, e.Action) })
	return left[:min(limit, len(left))], nil
}

// TestActivityLeavesSwitchingOut, which would push everything else off the page.
func TestActivityLeavesSwitchingOut(t *testing.T) {
	log := trail{{ID: "1", Action: audit.LoginSuccess}}
	for range 100 {
		log = append(log, audit.Event{ID: "2", Action: audit.OrgSwitch})
	}
	log = append(log, audit.Event{ID: "3", Action: audit.OrgReassign})
	live := &session.Live{Session: &session.Session{Identity: authcore.Identity{UserID: "u"}}}
	events, next, err := disclosure.New(disclosure.Deps{Trail: log}).Activity(t.Context(), live, "")
	if err != nil || len(events) != 2 || events[1].ID != "3" || next != "" {
		t.Errorf("%+v, %q, %v", events, next, err)
	}
}
