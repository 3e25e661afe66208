package account

import (
	"context"
	"fmt"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/session"
)

// PasswordChange is a new password of a signed-in user.
type PasswordChange struct {
	// Current is the password so far; it is not asked for when there is none.
	Current  string
	Password string
}

// ChangePassword replaces the password of a signed-in user, tells the owner by
// mail, ends all other sessions and gives this one a new token. It fails with
// *InvalidError for a wrong current or a bad new password, *ThrottledError after
// too many wrong ones, and *StaleError when a proof is needed first, see
// [Service.MayChange], and ErrSignedOut.
func (s *Service) ChangePassword(ctx context.Context, live *session.Live, change PasswordChange, client authcore.Client) (SignedIn, error) {
	userID := live.Identity.UserID
	user, proofs, err := s.reprove(ctx, live, change.Current, client)
	if err != nil {
		return SignedIn{}, err
	}
	hash, err := s.NewPassword(ctx, user, change.Password)
	if err != nil {
		return SignedIn{}, err
	}
	letter, err := mail.NewJob(s.sealer, mail.About(mail.PasswordChanged, user, client, nil).LeadingTo("/reset"), s.clock())
	if err != nil {
		return SignedIn{}, err
	}
	ending, err := s.ending(userID, "", live.ID)
	if err != nil {
		return SignedIn{}, err
	}
	// Hashing takes long enough for the owner to end this session meanwhile: whoever
	// is being thrown out must not get to choose the next password.
	if err := s.stillSignedIn(ctx, live); err != nil {
		return SignedIn{}, err
	}
	if err := Throttled(s.guard.Change(ctx, userID)); err != nil {
		return SignedIn{}, err
	}
	event := s.userEvent(audit.PasswordChange, userID, client).On(live.ID)
	changed, err := s.ledger.ChangePassword(ctx, userID, live.AuthEpoch, hash, event, letter, ending)
	if err != nil {
		return SignedIn{}, fmt.Errorf("changing password: %w", SignedOut(err))
	}
	s.events.Emit(events.PasswordSet, map[string]any{"user_id": userID})
	if _, err := s.sessions.RevokeAll(ctx, userID, live.ID); err != nil {
		return SignedIn{}, fmt.Errorf("the password is changed, but other sessions end only when the session store is back: %w", err)
	}
	return s.Renew(ctx, live, changed, proofs...)
}
