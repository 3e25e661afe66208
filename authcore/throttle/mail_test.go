package throttle_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore/throttle"
)

const ada = "ada@example.com"

// recoverBy asks for a link and says whether one is sent to the owner of a browser.
func recoverBy(t *testing.T, g *throttle.Guard, ip string, known ...string) (anybody, owner bool) {
	t.Helper()
	grant, err := g.Recovery(t.Context(), throttle.Asking{Kind: "reset", Address: ada, IP: ip, Devices: known})
	var exceeded *throttle.Exceeded
	if err != nil && !errors.As(err, &exceeded) {
		t.Fatal(err)
	}
	return grant.Anybody, grant.Anybody || slices.Contains(grant.Devices, "laptop")
}

// TestOwnersGetLinks has strangers ask for all they may, by notices and by links, for a
// week: the owner gets a link in a browser that the account knows, also behind the
// address of a stranger, and in a new one.
func TestOwnersGetLinks(t *testing.T) {
	for _, networks := range []int{1, 100} {
		g, c := newGuard(nil)
		got, sent := 0, 0
		for minute := range 7 * 24 * 60 {
			ip := fmt.Sprintf("203.0.113.%d", minute%networks)
			for range 3 {
				_, _ = g.Mail(t.Context(), "sign_up", ada, ip)
				if anybody, _ := recoverBy(t, g, ip, "laptop of a stranger"); anybody {
					sent++
				}
			}
			if minute%(12*60) == 12*60-1 { // twice a day
				if ok, _ := recoverBy(t, g, "198.51.100.1"); !ok {
					t.Errorf("%d networks, minute %d: a new browser gets none", networks, minute)
				}
				if _, ok := recoverBy(t, g, ip, "laptop"); !ok {
					t.Errorf("%d networks, minute %d: a known browser gets none", networks, minute)
				}
				got++
			}
			c.pass(time.Minute)
		}
		if most := 7 * (24*4*3 + 2*networks); got != 14 || sent > most {
			t.Errorf("%d networks: the owner got %d, strangers had %d sent, at most %d", networks, got, sent, most)
		}
	}
}

// TestStrangersMarksAreWorthLittle: what a browser has left is for the accounts that know
// it, and is bounded whatever the address.
func TestStrangersMarksAreWorthLittle(t *testing.T) {
	g, _ := newGuard(func(l *throttle.Limits) { l.MailNetwork.Max = 1 })
	granted := 0
	for i := range 50 {
		grant, err := g.Recovery(t.Context(), throttle.Asking{Kind: "reset", Address: fmt.Sprint(i, "@example.com"), IP: "192.0.2.1", Devices: []string{"mine"}})
		if err == nil && grant.Anybody != (i == 0) {
			t.Errorf("request %d: %+v", i, grant)
		}
		granted += len(grant.Devices)
		if exceeded := new(throttle.Exceeded); i > 3 && !errors.As(err, &exceeded) {
			t.Errorf("request %d: %v", i, err)
		}
	}
	if granted != 3 {
		t.Errorf("one mark was granted %d links", granted)
	}
}

func TestMailsADay(t *testing.T) {
	g, c := newGuard(nil)
	sent := 0
	for i := range 200 {
		address := fmt.Sprintf("ada+%d@example.com", i) // one mailbox
		if verdict, err := g.Mail(t.Context(), fmt.Sprint("kind ", i%3), address, fmt.Sprintf("192.0.2.%d", i)); err == nil && verdict.Allowed {
			sent++
		}
		c.pass(6 * time.Minute)
	}
	if sent != 20 {
		t.Errorf("%d mails in a day", sent)
	}
	if verdict, err := g.Mail(t.Context(), "kind 0", "+ada@example.com", "192.0.2.250"); err != nil || !verdict.Allowed {
		t.Errorf("an address that begins with a plus: %+v, %v", verdict, err)
	}
}

// TestMailSaysWhenToAskAgain: by whichever limit of the address is used up.
func TestMailSaysWhenToAskAgain(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*throttle.Limits)
		want   time.Duration
	}{
		"of a kind": {func(l *throttle.Limits) { l.Mail.Max, l.Mail.Window = 1, 2*time.Hour }, 2*time.Hour - time.Minute},
		"of a day":  {func(l *throttle.Limits) { l.MailDay.Max = 1 }, 24*time.Hour - time.Minute},
	} {
		g, c := newGuard(test.change)
		if verdict, err := g.Mail(t.Context(), "kind", ada, "192.0.2.1"); err != nil || !verdict.Allowed {
			t.Fatalf("%s: %+v, %v", name, verdict, err)
		}
		c.pass(time.Minute)
		verdict, err := g.Mail(t.Context(), "kind", ada, "192.0.2.2")
		if off := verdict.RetryAfter - test.want; err != nil || verdict.Allowed || off.Abs() > time.Second {
			t.Errorf("%s: %+v, %v, want %s", name, verdict, err, test.want)
		}
	}
}
