package ui

import (
	"context"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/address"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/disclosure"
	"github.com/sigra-auth/sigra/authcore/kept"
	"github.com/sigra-auth/sigra/authcore/mfa"
	"github.com/sigra-auth/sigra/authcore/passkey"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/signup"
	"github.com/sigra-auth/sigra/authcore/totp"
)

// The fakes note what they are asked, and answer with err or with success.

type fakeAddresses struct {
	err     error
	pending string
	calls   []string
}

func (f *fakeAddresses) Ask(_ context.Context, _ *session.Live, change address.Change, _ authcore.Client) error {
	f.calls = append(f.calls, "Ask "+change.Email+" "+change.Current)
	return f.err
}

func (f *fakeAddresses) Pending(context.Context, *session.Live) (string, error) {
	return f.pending, nil
}

func (f *fakeAddresses) Check(_ context.Context, _ *session.Live, secret string) (string, error) {
	f.calls = append(f.calls, "Check "+secret)
	return "new@example.com", f.err
}

func (f *fakeAddresses) Confirm(_ context.Context, _ *session.Live, secret string, _ authcore.Client) (account.SignedIn, error) {
	f.calls = append(f.calls, "Confirm "+secret)
	return account.SignedIn{Token: freshToken, Session: testSession("fresh"), Device: "device-mark"}, f.err
}

func (f *fakeAddresses) CheckKeep(_ context.Context, secret string) (string, error) {
	f.calls = append(f.calls, "CheckKeep "+secret)
	return "new@example.com", f.err
}

func (f *fakeAddresses) Keep(_ context.Context, secret string, _ authcore.Client) error {
	f.calls = append(f.calls, "Keep "+secret)
	return f.err
}

func (f *fakeAddresses) Withdraw(context.Context, *session.Live, authcore.Client) error {
	f.calls = append(f.calls, "Withdraw")
	return f.err
}

type fakeTwoStep struct {
	factors mfa.Factors
	err     error
	calls   []string
	attempt mfa.Attempt
	// codesLeft is what is told after a backup code.
	codesLeft *int
}

func (f *fakeTwoStep) done(call string) (account.SignedIn, error) {
	f.calls = append(f.calls, call)
	return account.SignedIn{Token: freshToken, Session: testSession("fresh"), Device: "device-mark", Trust: "trust-secret"}, f.err
}

func (f *fakeTwoStep) Factors(context.Context, *session.Live, string) (mfa.Factors, error) {
	return f.factors, nil
}

func (f *fakeTwoStep) Prove(_ context.Context, live *session.Live, in mfa.Attempt) (account.SignedIn, error) {
	f.attempt = in
	signedIn, err := f.done("Prove " + live.ID)
	signedIn.CodesLeft = f.codesLeft
	return signedIn, err
}

func (f *fakeTwoStep) Offer(context.Context, *session.Live) (mfa.Offer, error) {
	_, err := f.done("Offer")
	return mfa.Offer{Secret: totp.Secret("12345678901234567890"), Sealed: "sealed"}, err
}

func (f *fakeTwoStep) Offered(_ *session.Live, sealed string) (mfa.Offer, error) {
	if sealed != "sealed" {
		return mfa.Offer{}, authcore.ErrNotFound
	}
	return mfa.Offer{Secret: totp.Secret("12345678901234567890"), Sealed: sealed}, nil
}

func (f *fakeTwoStep) enrolled(call string) (mfa.Enrolled, error) {
	signedIn, err := f.done(call)
	return mfa.Enrolled{SignedIn: signedIn, Codes: []string{"1234-5678", "8765-4321"}}, err
}

func (f *fakeTwoStep) Enroll(_ context.Context, _ *session.Live, sealed, code string, _ authcore.Client) (mfa.Enrolled, error) {
	return f.enrolled("Enroll " + sealed + " " + code)
}

func (f *fakeTwoStep) UsePasskeys(context.Context, *session.Live, authcore.Client) (mfa.Enrolled, error) {
	return f.enrolled("UsePasskeys")
}

func (f *fakeTwoStep) TurnOff(context.Context, *session.Live, authcore.Client) error {
	_, err := f.done("TurnOff")
	return err
}

func (f *fakeTwoStep) ReplaceBackupCodes(context.Context, *session.Live, authcore.Client) ([]string, error) {
	enrolled, err := f.enrolled("ReplaceBackupCodes")
	return enrolled.Codes, err
}

type fakePasskeys struct {
	list    []passkey.Passkey
	err     error
	calls   []string
	rp      passkey.RelyingParty
	attempt passkey.Attempt
}

func (f *fakePasskeys) options(call string, rp passkey.RelyingParty) (any, error) {
	f.calls, f.rp = append(f.calls, call), rp
	return map[string]string{"challenge": "AAAA"}, f.err
}

func (f *fakePasskeys) finish(call string, rp passkey.RelyingParty) (account.SignedIn, error) {
	f.calls, f.rp = append(f.calls, call), rp
	return account.SignedIn{Token: freshToken, Session: testSession("fresh"), Device: "device-mark"}, f.err
}

func (f *fakePasskeys) List(context.Context, *session.Live) ([]passkey.Passkey, error) {
	return f.list, nil
}

func (f *fakePasskeys) Register(_ context.Context, _ *session.Live, rp passkey.RelyingParty) (any, error) {
	return f.options("Register", rp)
}

func (f *fakePasskeys) FinishRegistration(_ context.Context, _ *session.Live, rp passkey.RelyingParty, response []byte, _ authcore.Client) (account.SignedIn, error) {
	return f.finish("FinishRegistration "+string(response), rp)
}

func (f *fakePasskeys) SignIn(_ context.Context, rp passkey.RelyingParty, _ authcore.Client) (any, error) {
	return f.options("SignIn", rp)
}

func (f *fakePasskeys) FinishSignIn(_ context.Context, rp passkey.RelyingParty, in passkey.Attempt) (account.SignedIn, error) {
	f.attempt = in
	return f.finish("FinishSignIn", rp)
}

func (f *fakePasskeys) Prove(_ context.Context, live *session.Live, rp passkey.RelyingParty) (any, error) {
	return f.options("Prove "+live.ID, rp)
}

func (f *fakePasskeys) FinishProof(_ context.Context, live *session.Live, rp passkey.RelyingParty, in passkey.Attempt) (account.SignedIn, error) {
	f.attempt = in
	return f.finish("FinishProof "+live.ID, rp)
}

func (f *fakePasskeys) Rename(_ context.Context, _ *session.Live, ref, name string, _ authcore.Client) error {
	f.calls = append(f.calls, "Rename "+ref+" "+name)
	return f.err
}

func (f *fakePasskeys) Remove(_ context.Context, _ *session.Live, ref string, _ authcore.Client) error {
	f.calls = append(f.calls, "Remove "+ref)
	return f.err
}

type fakeDeletions struct {
	off   bool
	grace time.Duration
	when  time.Time
	err   error
	calls []string
}

func (f *fakeDeletions) Allowed() bool        { return !f.off }
func (f *fakeDeletions) Grace() time.Duration { return f.grace }

func (f *fakeDeletions) Schedule(_ context.Context, _ *session.Live, password string, _ authcore.Client) error {
	f.calls = append(f.calls, "Schedule "+password)
	return f.err
}

func (f *fakeDeletions) When(context.Context, *session.Live) (time.Time, error) { return f.when, f.err }

func (f *fakeDeletions) Cancel(context.Context, *session.Live, authcore.Client) error {
	f.calls = append(f.calls, "Cancel")
	return f.err
}

type fakeDisclosure struct {
	events []audit.Event
	next   string
	before string
	export disclosure.Export
	err    error
	calls  int
}

func (f *fakeDisclosure) Activity(_ context.Context, _ *session.Live, before string) ([]audit.Event, string, error) {
	f.before = before
	return f.events, f.next, f.err
}

func (f *fakeDisclosure) Export(context.Context, *session.Live, authcore.Client) (disclosure.Export, error) {
	f.calls++
	return f.export, f.err
}

type fakeKept struct {
	form kept.Form
	err  error
	site string
}

func (f *fakeKept) Form(_ context.Context, _ *session.Live, _, site string) (kept.Form, error) {
	f.site = site
	return f.form, f.err
}

func (f *fakeSignUps) Invited(_ context.Context, secret string) (string, error) {
	f.calls = append(f.calls, "Invited "+secret)
	return "grace@example.com", f.invitedErr
}

func (f *fakeSignUps) Accept(_ context.Context, secret string, in signup.SignUp) (account.SignedIn, error) {
	f.calls, f.signUp = append(f.calls, "Accept "+secret), in
	return account.SignedIn{Token: freshToken, Session: testSession("fresh"), Device: "device-mark"}, f.err
}

// calls is how often a service was asked to do something.
func (p *portal) calls() int {
	return len(p.accounts.calls) + len(p.recovery.calls) + len(p.signups.calls) + len(p.addresses.calls) +
		len(p.deletions.calls) + len(p.twoStep.calls) + len(p.passkeys.calls) + len(p.orgs.calls) + p.disclosure.calls + len(p.profiles.change.Profile)
}
