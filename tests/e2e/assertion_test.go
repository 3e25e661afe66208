package e2e

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/snippets"
)

func TestAssertionVerifiesThroughARotation(t *testing.T) {
	for _, algorithm := range []string{"ES256", "EdDSA"} {
		t.Run(algorithm, func(t *testing.T) {
			g := gateway.Start(t, gateway.Config{Global: "assertion {\nalgorithm " + algorithm + "\noverlap 2s\nttl 3s\n}"})
			g.AddUser(ada, "--name", "Zoë", "--role", "admin")
			c := g.SignedIn(ada)
			kids := map[any]bool{}
			check := func(when string) {
				t.Helper()
				if answer := c.Get("/"); answer.StatusCode != 200 {
					t.Fatalf("%s: %d", when, answer.StatusCode)
				}
				told := g.Upstream.Last().Header
				token := verify(t, g, told.Get("Sigra-Assertion"), algorithm)
				claims := token.Claims.(jwt.MapClaims)
				kids[token.Header["kid"]] = true
				if claims["sub"] != told.Get("Sigra-User") || claims["email"] != ada || claims["name"] != "Zoë" {
					t.Errorf("%s: claims %v", when, claims)
				}
				if life := claims["exp"].(float64) - claims["iat"].(float64); life > 300 {
					t.Errorf("%s: lives %v seconds", when, life)
				}
			}
			check("before")
			if _, err := g.CLI("", "key", "rotate"); err != nil {
				t.Fatal(err)
			}
			if answer := c.Fetch("/_auth/jwks.json"); len(keysOf(t, answer.Text)) != 2 {
				t.Errorf("the next key is not published: %s", answer.Text)
			}
			for end := time.Now().Add(4 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
				check("during")
			}
			if len(kids) != 2 {
				t.Errorf("signed by %v, want the old and then the new key", kids)
			}
		})
	}
}

// verify verifies an assertion by a library that is not the one it was made
// with.
func verify(t *testing.T, g *gateway.Gateway, assertion, algorithm string) *jwt.Token {
	t.Helper()
	keys, err := keyfunc.NewDefaultCtx(t.Context(), []string{g.URL + "/_auth/jwks.json"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Parse(assertion, keys.Keyfunc, jwt.WithValidMethods([]string{algorithm}),
		jwt.WithIssuer(g.URL+"/_auth"), jwt.WithAudience(g.URL), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	if err != nil {
		t.Fatalf("%v in %s", err, assertion)
	}
	return token
}

func TestSnippets(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.AddUser(ada)
	g.SignedIn(ada).Get("/")
	assertion, issuer := g.Upstream.Last().Header.Get("Sigra-Assertion"), g.URL+"/_auth"
	keys, err := keyfunc.NewDefaultCtx(context.Background(), []string{issuer + "/jwks.json"})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := snippets.Verify(keys, issuer, g.URL, assertion)
	if err != nil || claims["email"] != ada {
		t.Errorf("Go: %v, %v", claims, err)
	}
	if _, err := snippets.Verify(keys, issuer, "https://other.example", assertion); err == nil {
		t.Error("Go: an assertion for another app was accepted")
	}
	snippets.RunNode(t, issuer, g.URL, assertion, ada)
	snippets.RunPython(t, issuer, g.URL, assertion, ada)
}

func keysOf(t *testing.T, text string) []any {
	t.Helper()
	var set struct{ Keys []any }
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		t.Fatal(err)
	}
	return set.Keys
}
