package ui

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/org"
)

// offerView is the page of an invitation to an organization, whatever has become
// of it.
type offerView struct {
	Action string
	// State is that of the invitation, or "other" for a visitor whom it is not for.
	State string
	// Account is who is signed in.
	Account            string
	Org, Inviter, Role string
	// Email is whom it is for. SignIn is where its owner signs in, who has an account.
	Email, SignIn string
	Name          string
	Fields        []fieldView
	// Passkey says that one can take the place of the password.
	Passkey bool
	Errors  map[string]string
}

// otherAddress is the state of an invitation for a visitor with another address,
// who learns nothing else about it.
const otherAddress = "other"

// showInvitation is the page of an invitation: to an organization, or to make an
// account.
func (v *visit) showInvitation() error {
	offer, err := v.Orgs.Invited(v.r.Context(), v.actor(), v.linkSecret())
	switch {
	case errors.Is(err, authcore.ErrNotFound):
		return v.showSignUpInvitation()
	case v.hold() != "":
		return v.await(v.r.URL.RequestURI())
	case err == nil && offer.State == org.Pending:
		if v.wantsJSON() {
			return v.offerJSON(offer)
		}
		return v.show("org_offer", v.offerView(offer))
	default:
		return v.showOfferState(offer, err)
	}
}

// showOfferState says why an invitation cannot be accepted.
func (v *visit) showOfferState(offer org.Offer, err error) error {
	view, status, text := v.offerView(offer), http.StatusGone, ""
	switch {
	case errors.Is(err, org.ErrOtherAddress):
		view.State, status, text = otherAddress, http.StatusForbidden, v.messages.text("org_offer.other")
	case err != nil:
		return err
	case offer.State == org.Expired:
		text = v.messages.text("org_offer.expired")
	case offer.State == org.Accepted:
		text = v.messages.text("org_offer.accepted")
	default:
		text = v.messages.text("org_offer.revoked")
	}
	view.Errors = map[string]string{"form": text}
	return v.again(status, "org_offer", view, view.Errors)
}

func (v *visit) offerView(offer org.Offer) offerView {
	view := offerView{
		Action: v.facts.Base + v.path, State: string(offer.State), Org: offer.Org.Name, Inviter: offer.Inviter,
		Role: v.messages.role(offer.Role), Email: offer.Email,
	}
	switch {
	case v.live != nil:
		view.Account = v.live.Identity.Email
	case offer.Known:
		view.SignIn = v.facts.Base + "/login?return_to=" + url.QueryEscape(v.facts.Base+v.path)
	default:
		view.Fields, view.Passkey = v.viewFields(nil, nil), v.facts.RelyingParty.ID != ""
	}
	return view
}

func (v *visit) offerJSON(offer org.Offer) error {
	return v.json(http.StatusOK, map[string]any{
		"status": "ok", "email": offer.Email, "org": map[string]string{"slug": offer.Org.Slug, "name": offer.Org.Name},
		"role": offer.Role, "inviter": offer.Inviter, "known": offer.Known, "signed_in": v.live != nil,
	})
}

func (v *visit) acceptInvitation() error {
	if v.form.checked("sign_out") {
		return v.signOutTo(v.facts.Base + v.path)
	}
	offer, err := v.Orgs.Invited(v.r.Context(), v.actor(), v.linkSecret())
	switch {
	case errors.Is(err, authcore.ErrNotFound):
		return v.acceptSignUpInvitation()
	case v.hold() != "":
		return v.await(v.facts.Base + v.path)
	case err != nil || offer.State != org.Pending:
		return v.showOfferState(offer, err)
	case v.live != nil:
		return v.acceptOffer(offer)
	case offer.Known:
		return v.again(http.StatusConflict, "org_offer", v.offerView(offer), map[string]string{"form": v.messages.text("org_offer.known")})
	default:
		return v.acceptOfferNew(offer)
	}
}

// signOutTo signs a visitor out who opens a link with another account.
func (v *visit) signOutTo(next string) error {
	if err := v.endPresented(); err != nil {
		return err
	}
	v.forget()
	return v.done(next)
}

func (v *visit) acceptOffer(offer org.Offer) error {
	o, err := v.Orgs.Accept(v.r.Context(), v.actor(), v.linkSecret())
	if errors.Is(err, org.ErrLimit) {
		view := v.offerView(offer)
		view.Errors = map[string]string{"form": v.messages.text("orgs.too_many")}
		return v.again(http.StatusUnprocessableEntity, "org_offer", view, view.Errors)
	}
	if err != nil {
		return err
	}
	return v.done(v.orgHome(o.Slug))
}

// acceptOfferNew makes the account of whoever is invited.
func (v *visit) acceptOfferNew(offer org.Offer) error {
	in := org.NewMember{Name: v.form["name"], Password: v.form["password"], Passkey: v.wantsPasskey(), Profile: v.form, Client: v.facts.Client}
	signedIn, err := v.Orgs.AcceptNew(v.r.Context(), v.linkSecret(), in)
	var invalid *account.InvalidError
	if !errors.As(err, &invalid) {
		if err != nil {
			return err
		}
		if in.Passkey {
			return v.signedIn(signedIn, v.facts.Base+"/account/passkeys?welcome")
		}
		return v.signedIn(signedIn, v.orgHome(offer.Org.Slug))
	}
	view := v.offerView(offer)
	view.Name, view.Errors = clip(in.Name), v.explain(invalid)
	view.Fields = v.viewFields(v.form, view.Errors)
	return v.again(http.StatusUnprocessableEntity, "org_offer", view, view.Errors)
}
