package e2e

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// A stream on which the app is silent ends with the session, over every
// version of HTTP.
func TestSilentStreamsEndWithTheSession(t *testing.T) {
	for version, secure := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true, "HTTP/3.0": true} {
		t.Run(version, func(t *testing.T) {
			g := gateway.Start(t, gateway.Config{TLS: secure})
			g.AddUser(ada)
			c := g.NewClient()
			if version == "HTTP/3.0" {
				overHTTP3(t, c)
			}
			c.SignIn(ada)
			answer, err := c.Client.Do(c.Request(http.MethodGet, "/silent", ""))
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if answer.Proto != version || answer.StatusCode != http.StatusOK {
				t.Fatalf("%s %s", answer.Proto, answer.Status)
			}
			if _, err := g.CLI("", "session", "revoke", ada); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() {
				_, _ = io.Copy(io.Discard, answer.Body)
				close(ended)
			}()
			select {
			case <-ended:
			case <-time.After(time.Second):
				t.Error("it is still open a second after the session has ended")
			}
		})
	}
}
