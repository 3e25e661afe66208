package ui

import (
	"net/url"

	"github.com/sigra-auth/sigra/authcore"
)

// HoldPage returns the page, below the portal, of what a user waits for.
func HoldPage(h authcore.Hold) string {
	switch h {
	case authcore.HoldSecondFactor:
		return "/mfa"
	case authcore.HoldApproval:
		return "/waiting"
	case authcore.HoldDeletion:
		return "/reactivate"
	default:
		return "/confirm"
	}
}

// hold returns why the visitor is not let through, or nothing.
func (v *visit) hold() authcore.Hold {
	if v.live == nil {
		return ""
	}
	return v.live.Identity.Hold()
}

// await leads a user who is held to what they wait for, and on from there.
func (v *visit) await(next string) error {
	page := v.facts.Base + HoldPage(v.hold())
	if next = v.wished(next); next != "" {
		page += "?return_to=" + url.QueryEscape(next)
	}
	return v.done(page)
}
