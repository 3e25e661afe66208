package gateway

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// Password is the password of every account that tests make.
const Password = "correct horse battery staple"

// Client behaves like a browser: it keeps cookies, and says that it navigates.
type Client struct {
	*http.Client
	t   testing.TB
	URL string
}

// NewClient returns a browser without cookies for a gateway.
func (g *Gateway) NewClient() *Client {
	g.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		g.t.Fatal(err)
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		},
	}
	g.t.Cleanup(transport.CloseIdleConnections)
	return &Client{&http.Client{
		Jar: jar, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, g.t, g.URL}
}

// At returns the same browser at another gateway: cookies are shared by all
// ports of a host.
func (c *Client) At(g *Gateway) *Client { return &Client{c.Client, c.t, g.URL} }

// Answer is a response with its body.
type Answer struct {
	*http.Response
	Text string
}

// Do sends a request.
func (c *Client) Do(r *http.Request) Answer {
	c.t.Helper()
	answer, err := c.Try(r)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer
}

// Try sends a request that may fail.
func (c *Client) Try(r *http.Request) (Answer, error) {
	response, err := c.Client.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return Answer{response, string(body)}, err
}

// Request makes a request to the site.
func (c *Client) Request(method, path, body string, headers ...string) *http.Request {
	c.t.Helper()
	r, err := http.NewRequest(method, c.URL+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// Get loads a page as a navigation does.
func (c *Client) Get(path string, headers ...string) Answer {
	c.t.Helper()
	headers = append([]string{"Sec-Fetch-Mode", "navigate", "Accept", "text/html"}, headers...)
	return c.Do(c.Request(http.MethodGet, path, "", headers...))
}

// Fetch loads a resource as a script does.
func (c *Client) Fetch(path string, headers ...string) Answer {
	c.t.Helper()
	headers = append([]string{"Sec-Fetch-Mode", "cors", "Accept", "application/json"}, headers...)
	return c.Do(c.Request(http.MethodGet, path, "", headers...))
}

// Post sends a form.
func (c *Client) Post(path string, form url.Values, headers ...string) Answer {
	c.t.Helper()
	headers = append([]string{"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html", "Sec-Fetch-Site", "same-origin"}, headers...)
	return c.Do(c.Request(http.MethodPost, path, form.Encode(), headers...))
}

// SignIn signs in and expects it to succeed.
func (c *Client) SignIn(email string) {
	c.t.Helper()
	answer := c.Post("/_auth/login", url.Values{"email": {email}, "password": {Password}})
	if answer.StatusCode != http.StatusSeeOther {
		c.t.Fatalf("signing in: %d\n%s", answer.StatusCode, answer.Text)
	}
}

// SessionCookie returns the value of the session cookie.
func (c *Client) SessionCookie() string {
	c.t.Helper()
	u, err := url.Parse(c.URL)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, cookie := range c.Jar.Cookies(u) {
		if slices.Contains([]string{"sigra", "__Host-sigra", "__Secure-sigra"}, cookie.Name) {
			return cookie.Value
		}
	}
	return ""
}

// AddUser makes an account by the command line.
func (g *Gateway) AddUser(email string, more ...string) {
	g.t.Helper()
	if _, err := g.CLI(Password, append([]string{"user", "add", "--email", email}, more...)...); err != nil {
		g.t.Fatal(err)
	}
}

// SignedIn returns a browser that has signed in to an account that exists.
func (g *Gateway) SignedIn(email string) *Client {
	g.t.Helper()
	c := g.NewClient()
	c.SignIn(email)
	return c
}

// WebSocket opens the app's WebSocket.
func (c *Client) WebSocket(headers ...string) (*websocket.Conn, error) {
	h := http.Header{"Origin": {c.URL}}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	conn, response, err := websocket.Dial(context.Background(), c.URL+"/ws", &websocket.DialOptions{HTTPClient: c.Client, HTTPHeader: h})
	if err != nil && response != nil {
		return nil, fmt.Errorf("%d: %w", response.StatusCode, err)
	}
	return conn, err
}

// Events opens the app's event stream and returns it after the first event.
func (c *Client) Events() (io.ReadCloser, error) {
	response, err := c.Client.Do(c.Request(http.MethodGet, "/sse", "", "Accept", "text/event-stream"))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("event stream: %d", response.StatusCode)
	}
	_, err = bufio.NewReader(response.Body).ReadString('\n')
	return response.Body, err
}
