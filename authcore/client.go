package authcore

import "time"

// Client is what is known of the party that sends a request. IP is the address
// that Caddy vouches for (its trusted_proxies decide), never a raw header.
type Client struct {
	IP string
	// UserAgent is the header, as [ShortText] returns it. Jobs have no use for it.
	UserAgent string `json:"-"`
	// Site is the public origin (scheme, host and port) the request came to.
	Site string
	// Portal is the public address of Sigra's pages there, without a slash at
	// its end. Links in mails begin with it.
	Portal string
	// Trust are the secrets of trusted-browser cookies that came with the request.
	// They are not kept.
	Trust []string `json:"-"`
	// OneStep says that the site asks for no second factor.
	OneStep bool
	// RPID is the WebAuthn relying party of the site; empty where there are no
	// passkeys. A passkey of another one cannot be used there.
	RPID string
	// Language is the BCP 47 tag of the catalogue that fits the client best.
	Language string
}

// Clock tells the time; tests replace it.
type Clock func() time.Time
