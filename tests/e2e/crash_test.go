package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

const (
	// crashing is how many people sign up, confirm and reset while the gateway is
	// killed again and again: 210 changes.
	crashing = 70
	// patience bounds each step: a job that a dead process held is done after its
	// lease of half a minute.
	patience = 90 * time.Second
)

const unthrottled = `
signup open
password {
	argon2id 8MiB 1 1
}
throttle {
	account 1000 15m
	network 60000 15m
	mail 1000 15m
	mail_network 60000 15m
}
`

// TestKilledAgainAndAgain kills the gateway at random points while people sign
// up, confirm their address and reset their password. What was acknowledged
// holds, every mail that is due comes, and each account is whole.
func TestKilledAgainAndAgain(t *testing.T) {
	for name, stores := range bothStores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			smtp := servers.StartSMTP(t, nil, "")
			g := gateway.Start(t, gateway.Config{Global: stores + withMail(smtp) + unthrottled})
			stop := make(chan struct{})
			killer := sync.WaitGroup{}
			killer.Go(func() { killUntil(t, g, stop) })
			people := make(chan int)
			workers := sync.WaitGroup{}
			var failed atomic.Int32
			for range 4 {
				workers.Go(func() {
					for i := range people {
						if err := (&person{g: g, smtp: smtp, c: g.NewClient(), email: fmt.Sprintf("user-%d@example.com", i)}).live(); err != nil {
							t.Errorf("user %d: %v", i, err)
							failed.Add(1)
						}
					}
				})
			}
			for i := range crashing {
				if failed.Load() > 3 {
					break
				}
				people <- i
			}
			close(people)
			workers.Wait()
			close(stop)
			killer.Wait()
			checkWhole(t, g, smtp)
		})
	}
}

// killUntil kills and restarts the gateway at random moments.
func killUntil(t *testing.T, g *gateway.Gateway, stop <-chan struct{}) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	kills := 0
	defer func() {
		t.Logf("killed %d times, seed %d", kills, seed)
		if kills == 0 {
			t.Error("nothing was killed, so nothing was tested")
		}
	}()
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(50+random.IntN(700)) * time.Millisecond):
		}
		g.Kill()
		g.Start()
		kills++
	}
}

// person signs up, confirms and resets, and tries each step until it is
// acknowledged.
type person struct {
	g     *gateway.Gateway
	smtp  *servers.SMTP
	c     *gateway.Client
	email string
}

func (p *person) live() error {
	const first, second = gateway.Password, "another good password"
	if err := p.until("signing up", http.StatusSeeOther, func() (gateway.Answer, error) {
		return p.post("/_auth/register", url.Values{"email": {p.email}, "password": {first}})
	}); err != nil {
		return err
	}
	if err := p.until("confirming", http.StatusSeeOther, func() (gateway.Answer, error) {
		link := p.link(confirmLink)
		if link == "" {
			return gateway.Answer{}, errNotYet
		}
		return p.use(link, url.Values{}, first)
	}); err != nil {
		return err
	}
	if err := p.until("asking for a reset", http.StatusSeeOther, func() (gateway.Answer, error) {
		return p.post("/_auth/reset", url.Values{"email": {p.email}})
	}); err != nil {
		return err
	}
	if err := p.until("resetting", http.StatusSeeOther, func() (gateway.Answer, error) {
		link := p.link(resetPath)
		if link == "" {
			return gateway.Answer{}, errNotYet
		}
		return p.use(link, url.Values{"password": {second}}, second)
	}); err != nil {
		return err
	}
	if err := p.until("the old password", http.StatusUnprocessableEntity, func() (gateway.Answer, error) {
		return p.signIn(first)
	}); err != nil {
		return err
	}
	return p.until("the new password", http.StatusSeeOther, func() (gateway.Answer, error) {
		return p.signIn(second)
	})
}

// signIn signs in. To be led to the proof of the address is to be refused.
func (p *person) signIn(password string) (gateway.Answer, error) {
	answer, err := p.post("/_auth/login", url.Values{"email": {p.email}, "password": {password}})
	if err == nil && strings.HasPrefix(answer.Header.Get("Location"), "/_auth/confirm") {
		answer.StatusCode = http.StatusUnprocessableEntity
	}
	return answer, err
}

// use uses a link. One that does not work (any more) may have been used by a try
// whose answer was lost: then the password says so.
func (p *person) use(link string, form url.Values, password string) (gateway.Answer, error) {
	answer, err := p.post(link, form)
	if err == nil && answer.StatusCode == http.StatusNotFound {
		return p.signIn(password)
	}
	return answer, err
}

var resetPath = regexp.MustCompile(`http://localhost:\d+(/_auth/reset/[\w-]{43})`)

// link returns the newest link of a kind that came to this person.
func (p *person) link(kind *regexp.Regexp) (path string) {
	for _, m := range p.smtp.Mails(p.email) {
		if found := kind.FindStringSubmatch(m.Plain()); found != nil {
			path = found[1]
		}
	}
	return path
}

func (p *person) post(path string, form url.Values) (gateway.Answer, error) {
	return p.c.Try(p.c.Request(http.MethodPost, path, form.Encode(),
		"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html", "Sec-Fetch-Site", "same-origin"))
}

// until repeats a step until it is acknowledged.
func (p *person) until(what string, status int, step func() (gateway.Answer, error)) error {
	last := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		answer, err := step()
		switch {
		case err != nil:
			last = err.Error()
		case answer.StatusCode == status:
			return nil
		default:
			last = fmt.Sprint(answer.StatusCode)
		}
	}
	return fmt.Errorf("%s: in vain, last %s", what, last)
}

// checkWhole looks at what is left: each account with its proof, its password, its
// trail and word of its new password, and no mail that nobody has asked for.
func checkWhole(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP) {
	t.Helper()
	list, err := g.CLI("", "user", "list")
	if n := strings.Count(list, "email_verified=true"); err != nil || n != crashing || strings.Contains(list, "email_verified=false") {
		t.Errorf("%d accounts are confirmed, %v", n, err)
	}
	for i := range crashing {
		email := fmt.Sprintf("user-%d@example.com", i)
		c := g.NewClient()
		if answer := c.Post("/_auth/login", url.Values{"email": {email}, "password": {"another good password"}}); answer.StatusCode != http.StatusSeeOther {
			t.Errorf("%s cannot sign in: %d", email, answer.StatusCode)
			continue
		}
		for _, action := range []string{"auth.register.success", "auth.confirmation_verify.success", "auth.password_reset.complete"} {
			if !hasActivity(t, c, action) {
				t.Errorf("%s has no trail of %s", email, action)
			}
		}
	}
	for end := time.Now().Add(patience); time.Now().Before(end) && len(untold(smtp)) > 0; {
		time.Sleep(50 * time.Millisecond)
	}
	if people := untold(smtp); len(people) > 0 {
		t.Errorf("never told that their password has changed: %v", people)
	}
	secrets := make(map[string]string) // Message-ID by link
	for _, m := range smtp.Mails("") {
		for _, kind := range []*regexp.Regexp{confirmLink, resetPath} {
			link := kind.FindStringSubmatch(m.Plain())
			if link == nil {
				continue
			}
			id := m.Header.Get("Message-Id") + m.To
			if before, twice := secrets[link[1]]; twice && before != id {
				t.Errorf("one link came in two mails: %s and %s", before, id)
			}
			secrets[link[1]] = id
		}
	}
}

// untold returns who has not heard that their password has changed: whoever reset
// it against the will of its owner would go unnoticed.
func untold(smtp *servers.SMTP) (people []string) {
	told := make(map[string]bool)
	for _, m := range smtp.Mails("") {
		if strings.HasPrefix(m.Header.Get("Subject"), "Your password for ") {
			told[m.To] = true
		}
	}
	for i := range crashing {
		if email := fmt.Sprintf("user-%d@example.com", i); !told[email] {
			people = append(people, email)
		}
	}
	return people
}

// hasActivity looks through all pages of the activity.
func hasActivity(t *testing.T, c *gateway.Client, action string) bool {
	t.Helper()
	for page := "/_auth/account/activity"; page != ""; {
		var told struct {
			Events []struct{ Action string }
			Older  string
		}
		if err := json.Unmarshal([]byte(c.Fetch(page).Text), &told); err != nil {
			t.Fatal(err)
		}
		for _, e := range told.Events {
			if e.Action == action {
				return true
			}
		}
		page = told.Older
	}
	return false
}
