package authcore

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

var (
	acme    = Org{ID: "1", Slug: "acme", Name: "Acme", Role: "owner"}
	initech = Org{ID: "2", Slug: "initech", Name: "Initech", Role: "member"}
)

func TestDefaultOrganization(t *testing.T) {
	for name, test := range map[string]struct {
		of   Memberships
		want Org
	}{
		"none":                       {Memberships{}, Org{}},
		"none, but one lately":       {Memberships{Last: "1"}, Org{}},
		"the only one":               {Memberships{Orgs: []Org{acme}}, acme},
		"the only one, not the last": {Memberships{Orgs: []Org{acme}, Last: "2"}, acme},
		"the last of several":        {Memberships{Orgs: []Org{acme, initech}, Last: "2"}, initech},
		"several, no last one":       {Memberships{Orgs: []Org{acme, initech}}, Org{}},
		"several, the last left":     {Memberships{Orgs: []Org{acme, initech}, Last: "3"}, Org{}},
	} {
		if got := test.of.Default(); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

func TestBelong(t *testing.T) {
	both := Memberships{Orgs: []Org{acme, initech}, Last: "2"}
	promoted := acme
	promoted.Role, promoted.Slug, promoted.Rules.TwoStep = "admin", "acme-inc", true
	for name, test := range map[string]struct {
		active Org
		now    Memberships
		want   Org
	}{
		"nobody has chosen":              {Org{}, both, initech},
		"the active one stays":           {acme, both, acme},
		"as it is now":                   {acme, Memberships{Orgs: []Org{promoted, initech}, Last: "2"}, promoted},
		"taken away, one is left":        {initech, Memberships{Orgs: []Org{acme}, Last: "2"}, acme},
		"taken away, several are left":   {Org{ID: "3"}, Memberships{Orgs: both.Orgs}, Org{}},
		"taken away, the last one stays": {Org{ID: "3"}, both, initech},
		"all taken away":                 {acme, Memberships{}, Org{}},
	} {
		before := Identity{UserID: "u", Org: test.active, Orgs: []Org{test.active}}
		got := before.Belong(test.now)
		if !reflect.DeepEqual(got.Org, test.want) || !reflect.DeepEqual(got.Orgs, test.now.Orgs) || got.UserID != "u" {
			t.Errorf("%s: in %+v of %+v, want %+v", name, got.Org, got.Orgs, test.want)
		}
		if !reflect.DeepEqual(before.Org, test.active) {
			t.Errorf("%s: an identity in use has changed", name)
		}
	}
}

func TestIn(t *testing.T) {
	id := Identity{Org: acme, Orgs: []Org{acme, initech}}
	for slug, want := range map[string]Org{"acme": acme, "initech": initech, "umbrella": {}, "": {}, "ACME": {}} {
		if got := id.In(slug); !reflect.DeepEqual(got.Org, want) || len(got.Orgs) != 2 {
			t.Errorf("%q: in %+v, want %+v", slug, got.Org, want)
		}
	}
	if id.Org.ID != acme.ID {
		t.Error("an identity in use has changed")
	}
	if got := (Identity{Org: acme}).In("acme"); got.Org.ID != "" {
		t.Errorf("acts in %+v, to which it does not belong", got.Org)
	}
}

func TestOrgIsShortInASession(t *testing.T) {
	raw, err := json.Marshal(Org{ID: "1", Slug: "acme"})
	if err != nil || string(raw) != `{"id":"1","slug":"acme"}` {
		t.Errorf("%s, %v", raw, err)
	}
	raw, err = json.Marshal(Org{Personal: true})
	if err != nil || !strings.Contains(string(raw), `"personal":true`) {
		t.Errorf("%s, %v", raw, err)
	}
}
