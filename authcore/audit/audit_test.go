package audit

import (
	"regexp"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

func TestActionsAreWellFormed(t *testing.T) {
	form := regexp.MustCompile(`^[a-z_]+(\.[a-z_]+){1,2}$`)
	for _, action := range Actions {
		if !form.MatchString(string(action)) {
			t.Errorf("%q does not read area.subject[.result]", action)
		}
	}
	if Action("auth.login.succes").Valid() {
		t.Error("an unknown action is valid")
	}
	if !LoginSuccess.Valid() {
		t.Error("a known action is not valid")
	}
}

func TestEvent(t *testing.T) {
	at := time.Date(2030, 1, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	base := New(at, LoginFailure, authcore.Client{IP: "192.0.2.1", UserAgent: "ua"})
	e := base.By(ActorUser, "u").Of("v").On("s").With("reason", "x").With("more", "y")
	if e.ActorType != ActorUser || e.ActorID != "u" || e.UserID != "v" || e.TargetID != "s" {
		t.Errorf("%+v", e)
	}
	if len(e.Metadata) != 2 || e.Metadata["reason"] != "x" {
		t.Errorf("metadata %v", e.Metadata)
	}
	if base.Metadata != nil || base.ActorType != ActorUnknown {
		t.Error("deriving an event changed the one it was derived from")
	}
	if e.At.Location() != time.UTC || e.ID == "" || New(at, Logout, authcore.Client{}).ID == e.ID {
		t.Errorf("id %q at %s", e.ID, e.At)
	}
}
