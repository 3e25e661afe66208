package e2e

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/tests/gateway"
)

// A sibling host can plant cookies under a shared domain. They must neither
// sign a visitor out nor in to a stranger's account.
func TestPlantedCookies(t *testing.T) {
	const eve = "eve@example.com"
	g := gateway.Start(t, gateway.Config{})
	g.AddUser(ada)
	g.AddUser(eve)
	hers, stranger := "sigra="+g.SignedIn(ada).SessionCookie(), "sigra="+g.SignedIn(eve).SessionCookie()
	nothing := "sigra=" + session.NewToken().String()
	visitor := g.NewClient()
	for cookies, want := range map[string]int{
		hers:                                 http.StatusOK,
		nothing + "; " + hers:                http.StatusOK,
		hers + "; sigra=; sigra=x; " + hers:  http.StatusOK,
		hers + "; " + stranger:               http.StatusUnauthorized,
		stranger + "; " + hers:               http.StatusUnauthorized,
		nothing + "; sigra=" + nothing[6:20]: http.StatusUnauthorized,
	} {
		if err := expect(visitor.Fetch("/", "Cookie", cookies), want); err != nil {
			t.Errorf("%s: %v", cookies, err)
		}
	}

	// Signing in again ends both, so that the planted one is in the way no more.
	form := url.Values{"email": {ada}, "password": {gateway.Password}}
	if err := expect(visitor.Post("/_auth/login", form, "Cookie", hers+"; "+stranger), http.StatusSeeOther); err != nil {
		t.Fatal(err)
	}
	again := "sigra=" + visitor.SessionCookie()
	if err := expect(visitor.Fetch("/", "Cookie", stranger+"; "+again), http.StatusOK); err != nil {
		t.Errorf("after signing in again: %v", err)
	}
}
