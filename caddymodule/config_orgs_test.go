package caddymodule

import (
	"reflect"
	"testing"

	"github.com/sigra-auth/sigra/authcore/org"
)

func TestOrgsConfig(t *testing.T) {
	if got := (OrgsConfig{}).config(); !reflect.DeepEqual(got, org.DefaultConfig()) {
		t.Errorf("by default %+v", got)
	}
	none := 0
	got := OrgsConfig{
		Creation: "admins", Personal: true, Roles: []string{"lead", "engineer", "guest"}, Limit: &none,
		Reserved: []string{"shop"}, Invitations: &InvitationLimits{PerUser: 5},
	}.config()
	want := org.Config{
		Creation: org.CreationAdmins, Personal: true, Reserved: []string{"shop"}, PerInviter: 5,
		Roles: org.Roles{All: []string{"lead", "engineer", "guest"}, Managers: []string{"lead"}, Default: "guest"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	// Owners manage, whether they are named or not.
	if got := (OrgsConfig{Managers: []string{"member"}}).config().Roles; !got.Manages("owner") || !got.Manages("member") || got.Manages("admin") {
		t.Errorf("%+v", got)
	}
}

func TestOrgsConfigIsValidated(t *testing.T) {
	less := -1
	for name, c := range map[string]OrgsConfig{
		"creation":        {Creation: "everyone"},
		"one role":        {Roles: []string{"owner"}},
		"role twice":      {Roles: []string{"owner", "owner"}},
		"unknown manager": {Managers: []string{"boss"}},
		"limit":           {Limit: &less},
		"invitations":     {Invitations: &InvitationLimits{PerOrg: -1}},
		"reserved":        {Reserved: []string{"a.b"}},
	} {
		if c.validate() == nil {
			t.Errorf("%s: %+v is accepted", name, c)
		}
	}
	if err := (OrgsConfig{}).validate(); err != nil {
		t.Errorf("nothing said: %v", err)
	}
}
