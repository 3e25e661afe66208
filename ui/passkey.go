package ui

// passkeyView is a button that uses a passkey, which takes a script.
type passkeyView struct {
	// Ask is where the script gets a challenge, Answer where it sends what the
	// authenticator says.
	Ask, Answer string
}

// passkeyView returns the button of a page for a user with so many passkeys; nil
// without one.
func (v *visit) passkeyView(page, next string, passkeys int) *passkeyView {
	if passkeys == 0 {
		return nil
	}
	return &passkeyView{v.facts.Base + page + "/options", withReturn(v.facts.Base+page, next)}
}
