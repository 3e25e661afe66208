package ui

import (
	"crypto/rand"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/mfa"
	"github.com/sigra-auth/sigra/authcore/totp"
)

// twoStepView is the page about second factors.
type twoStepView struct {
	On bool
	// Password says that there is one.
	Password bool
	// AppSince is when the app was set up; empty when there is none.
	AppSince string
	// Codes are the backup codes that are left: Few warns, None alarms.
	Codes     int
	Few, None bool
	Passkeys  int
	Browsers  []browserView
	ReturnTo  string
	// Once marks the forms that make codes: each makes them once.
	Once string
	// Done is what was done before; may be empty.
	Done string
}

// browserView is a browser that asks for no second factor.
type browserView struct {
	ID, Device, IP, Until string
	Mobile                bool
}

// fewCodes is when the page asks to make new ones.
const fewCodes = 2

func (v *visit) showTwoStep() error {
	factors, err := v.TwoStep.Factors(v.r.Context(), v.live, v.facts.RelyingParty.ID)
	if err != nil {
		return err
	}
	browsers, err := v.Accounts.Browsers(v.r.Context(), v.live)
	if err != nil {
		return err
	}
	view := twoStepView{
		On: !factors.TwoStepAt.IsZero(), Password: factors.Password, Codes: factors.Codes, Few: factors.Codes <= fewCodes, None: factors.Codes == 0,
		Passkeys: factors.Passkeys, ReturnTo: v.wished(v.r.URL.Query().Get("return_to")), Once: rand.Text(), Done: v.wasDone(),
	}
	if len(factors.Secret) > 0 {
		view.AppSince = factors.AppAt.UTC().Format(time.DateOnly)
	}
	for _, b := range browsers {
		name, mobile := deviceName(b.UserAgent, v.messages)
		view.Browsers = append(view.Browsers, browserView{b.ID, name, b.IP, b.ExpiresAt.UTC().Format(time.DateOnly), mobile})
	}
	return v.show("twostep", view)
}

// appView is the page that sets up an authenticator app.
type appView struct {
	// Key is the secret for those who type it, URI for those who open the app on
	// this device, QR for those who scan it.
	Key, URI string
	QR       totp.QR
	Offer    string
	ReturnTo string
	Errors   map[string]string
}

func (v *visit) showApp() error {
	offer, err := v.TwoStep.Offer(v.r.Context(), v.live)
	if err != nil {
		return err
	}
	view, err := v.appView(offer, v.wished(v.r.URL.Query().Get("return_to")))
	if err != nil {
		return err
	}
	if v.wantsJSON() {
		return v.json(http.StatusOK, map[string]any{"status": "ok", "secret": view.Key, "uri": view.URI, "offer": view.Offer})
	}
	return v.show("app", view)
}

func (v *visit) appView(offer mfa.Offer, next string) (appView, error) {
	view := appView{Key: offer.Secret.Text(), Offer: offer.Sealed, ReturnTo: next}
	view.URI = offer.Secret.URI(v.Brand.Name, v.live.Identity.Email)
	var err error
	view.QR, err = totp.Draw(view.URI)
	return view, err
}

func (v *visit) enroll() error {
	enrolled, err := v.TwoStep.Enroll(v.r.Context(), v.live, v.form["offer"], v.form["code"], v.facts.Client)
	next := v.wished(v.form["return_to"])
	if err == nil {
		return v.showCodes(enrolled, next)
	}
	var wrong *mfa.WrongCodeError
	if !errors.As(err, &wrong) {
		return changed(err)
	}
	offer, err := v.TwoStep.Offered(v.live, v.form["offer"])
	if err != nil {
		return err
	}
	view, err := v.appView(offer, next)
	if err != nil {
		return err
	}
	view.Errors = map[string]string{"code": v.messages.text("app.wrong")}
	return v.again(http.StatusUnprocessableEntity, "app", view, view.Errors)
}

// changed asks for a new sign-in when the account has changed, which ends the
// session.
func changed(err error) error {
	if errors.Is(err, authcore.ErrConflict) {
		return statusError(http.StatusUnauthorized)
	}
	return err
}

// codesView shows backup codes, this once.
type codesView struct {
	Codes []string
	Email string
	Next  string
}

// showCodes answers with the codes themselves and not with a redirect: they are
// kept nowhere from where another page could show them.
func (v *visit) showCodes(enrolled mfa.Enrolled, next string) error {
	if enrolled.Session != nil {
		v.setCookies(enrolled.SignedIn)
	}
	v.setLasting(v.facts.Cookie.Name+madeCodes, v.form["once"], time.Hour)
	if next == "" {
		next = v.facts.Base + "/account/mfa"
	}
	if v.wantsJSON() {
		return v.json(http.StatusOK, map[string]any{"status": "ok", "backup_codes": enrolled.Codes, "next": next})
	}
	return v.show("codes", codesView{enrolled.Codes, v.live.Identity.Email, next})
}

// madeCodes is what the name of a cookie ends in that remembers the form which has
// made the latest codes. A browser that reloads the answer sends the form again:
// other codes would take the place of those that were just written down.
const madeCodes = "-codes"

// hasMadeCodes reports whether the form that is sent has made codes already.
func (v *visit) hasMadeCodes() bool {
	return v.form["once"] != "" && slices.Contains(v.cookies(v.facts.Cookie.Name+madeCodes), v.form["once"])
}

func (v *visit) replaceCodes() error {
	if v.hasMadeCodes() {
		return v.done(v.facts.Base + "/account/mfa")
	}
	codes, err := v.TwoStep.ReplaceBackupCodes(v.r.Context(), v.live, v.facts.Client)
	if err != nil {
		return changed(err)
	}
	return v.showCodes(mfa.Enrolled{Codes: codes}, "")
}

func (v *visit) turnOff() error {
	if err := v.TwoStep.TurnOff(v.r.Context(), v.live, v.facts.Client); err != nil {
		return changed(err)
	}
	return v.done(v.facts.Base + "/account/mfa")
}

func (v *visit) distrust() error {
	if err := v.Accounts.DistrustBrowsers(v.r.Context(), v.live, v.form["browser"], v.facts.Client); err != nil {
		return err
	}
	return v.acknowledge(v.facts.Base+"/account/mfa", "distrusted")
}

// Left says how many backup codes there are.
func (view twoStepView) Left() string { return strconv.Itoa(view.Codes) }

// withReturn is the address of a page of the portal that leads on afterwards.
func withReturn(page, next string) string {
	if next == "" {
		return page
	}
	separator := "?"
	if strings.Contains(page, "?") {
		separator = "&"
	}
	return page + separator + "return_to=" + url.QueryEscape(next)
}

// Link opens the app on this device. The address is ours, so that the template need
// not refuse its scheme.
func (view appView) Link() template.URL { return template.URL(view.URI) }
