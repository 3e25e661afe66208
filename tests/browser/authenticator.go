package browser

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// authenticator is a virtual one of Chromium's.
type authenticator struct {
	b  *Browser
	id webauthn.AuthenticatorID
}

// call sends a command of the WebAuthn domain.
func call[P, R any](b *Browser, what string, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	var result R
	b.do(what, chromedp.Func(func(ctx context.Context, t *chromedp.Target) (err error) {
		result, err = cdp.Call(ctx, t, command, params)
		return err
	}))
	return result
}

// plugIn adds an authenticator that speaks CTAP2 and says yes at once. Change
// makes it another one.
func (b *Browser) plugIn(change func(*webauthn.VirtualAuthenticatorOptions)) *authenticator {
	b.t.Helper()
	call(b, "enabling WebAuthn", webauthn.Enable, webauthn.EnableParams{})
	options := &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}
	if change != nil {
		change(options)
	}
	added := call(b, "adding an authenticator", webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: options})
	return &authenticator{b, added.AuthenticatorID}
}

// unplug takes it away, with what is on it.
func (a *authenticator) unplug() {
	a.b.t.Helper()
	call(a.b, "removing an authenticator", webauthn.RemoveVirtualAuthenticator, webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: a.id})
}

// credentials are those on it.
func (a *authenticator) credentials() []*webauthn.Credential {
	a.b.t.Helper()
	return call(a.b, "reading credentials", webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: a.id}).Credentials
}

// present decides whether somebody touches it.
func (a *authenticator) present(yes bool) {
	a.b.t.Helper()
	call(a.b, "touching", webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: a.id, Enabled: yes})
}

// verified decides whether it recognizes its user.
func (a *authenticator) verified(yes bool) {
	a.b.t.Helper()
	call(a.b, "recognizing", webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: a.id, IsUserVerified: yes})
}

// override makes it answer wrongly.
func (a *authenticator) override(params webauthn.SetResponseOverrideBitsParams) {
	a.b.t.Helper()
	params.AuthenticatorID = a.id
	call(a.b, "overriding", webauthn.SetResponseOverrideBits, params)
}

// replace puts a copy that was made earlier in the place of a credential.
func (a *authenticator) replace(c *webauthn.Credential) {
	a.b.t.Helper()
	call(a.b, "removing", webauthn.RemoveCredential, webauthn.RemoveCredentialParams{AuthenticatorID: a.id, CredentialID: c.CredentialID})
	a.put(c, c.SignCount)
}

// putParams are webauthn.AddCredentialParams less a field that is always sent, and
// that no authenticator takes.
type putParams struct {
	AuthenticatorID webauthn.AuthenticatorID `json:"authenticatorId"`
	Credential      map[string]any           `json:"credential"`
}

// put puts a copy of a credential on it.
func (a *authenticator) put(c *webauthn.Credential, count float64) {
	a.b.t.Helper()
	call(a.b, "copying", cdp.Command[putParams, cdp.Empty]{Method: webauthn.CommandAddCredential}, putParams{a.id, map[string]any{
		"credentialId": c.CredentialID, "isResidentCredential": c.IsResidentCredential, "rpId": c.RpID, "privateKey": c.PrivateKey,
		"userHandle": c.UserHandle, "signCount": count,
	}})
}
