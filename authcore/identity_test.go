package authcore

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestProve(t *testing.T) {
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	id := Identity{AuthTime: start}
	if got := id.ProvenAt(); !got.Equal(start) {
		t.Errorf("without a proof: %s", got)
	}
	first := id.Prove(Factor{Kind: FactorPassword, At: start}).Prove(Factor{Kind: FactorTOTP, At: start.Add(time.Minute)})
	second := first.Prove(Factor{Kind: FactorPassword, At: start.Add(time.Hour)})
	if got := second.Methods(); !slices.Equal(got, []string{"otp", "pwd", "mfa"}) {
		t.Errorf("methods %v", got)
	}
	if got := second.ProvenAt(); !got.Equal(start.Add(time.Hour)) {
		t.Errorf("proven at %s", got)
	}
	if got := first.ProvenAt(); !got.Equal(start.Add(time.Minute)) {
		t.Errorf("a later proof changed an identity in use: %s", got)
	}
}

func TestGroups(t *testing.T) {
	for _, test := range []struct {
		id   Identity
		want []string
	}{
		{Identity{}, nil},
		{Identity{Role: "admin"}, []string{"admin"}},
		{Identity{Org: Org{Slug: "acme", Role: "owner"}}, []string{"acme:owner"}},
		{Identity{Role: "admin", Org: Org{Slug: "acme", Role: "owner"}}, []string{"admin", "acme:owner"}},
		{Identity{Org: Org{Slug: "acme"}}, nil},
	} {
		if got := test.id.Groups(); !slices.Equal(got, test.want) {
			t.Errorf("%+v: %v, want %v", test.id, got, test.want)
		}
	}
}

func TestIdentitySurvivesStorage(t *testing.T) {
	at := time.Date(2030, 1, 1, 0, 0, 0, 123000, time.UTC)
	id := Identity{
		UserID: "u", SessionID: "s", Kind: KindSession, Email: "a@b", EmailVerified: true, Name: "Ada", Role: RoleAdmin,
		Org: Org{ID: "o", Slug: "acme", Name: "Acme", Role: "owner"}, Actor: "x", Scopes: []string{"read"},
		Level: AAL2, AuthTime: at, Site: "https://example.com",
	}.Prove(Factor{Kind: FactorPasskey, At: at, UserVerified: true, Synced: true})
	data, err := json.Marshal(id)
	if err != nil {
		t.Fatal(err)
	}
	var back Identity
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(id, back) {
		t.Errorf("%+v came back as %+v", id, back)
	}
}

func TestUserStates(t *testing.T) {
	now := time.Now()
	if u := (User{}); u.Disabled() || u.EmailVerified() {
		t.Error("a new user is disabled or verified")
	}
	if u := (User{DisabledAt: now, EmailVerifiedAt: now}); !u.Disabled() || !u.EmailVerified() {
		t.Error("a disabled and verified user is not")
	}
}
