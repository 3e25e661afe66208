package passkey

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/session"
)

// idOf reads a reference from a page.
func idOf(ref string) ([]byte, error) {
	id, err := base64.RawURLEncoding.Strict().DecodeString(ref)
	if err != nil || len(id) == 0 {
		return nil, authcore.ErrNotFound
	}
	return id, nil
}

// Rename gives a passkey of the signed-in user another name. It fails with
// *account.InvalidError on the field "nickname", and authcore.ErrNotFound.
func (s *Service) Rename(ctx context.Context, live *session.Live, ref, name string, client authcore.Client) error {
	id, err := idOf(ref)
	if err != nil {
		return err
	}
	name, problem := account.CleanName(name)
	if name == "" && problem == "" {
		problem = account.ProblemRequired
	}
	if problem != "" {
		return &account.InvalidError{Fields: map[string]account.Problem{"nickname": problem}}
	}
	if err := s.Store.RenamePasskey(ctx, live.Identity.UserID, id, name, s.event(audit.PasskeyRename, live, client).With("name", name)); err != nil {
		return fmt.Errorf("renaming passkey: %w", err)
	}
	return nil
}

// Remove removes a passkey of the signed-in user, and tells by mail. It fails with
// ErrLast, authcore.ErrNotFound and *account.StaleError.
func (s *Service) Remove(ctx context.Context, live *session.Live, ref string, client authcore.Client) error {
	if err := s.Accounts.CheckRecent(ctx, live); err != nil {
		return err
	}
	id, err := idOf(ref)
	if err != nil {
		return err
	}
	p, err := s.Store.Passkey(ctx, id)
	if err != nil {
		return fmt.Errorf("finding passkey: %w", err)
	}
	user, _, err := s.Users.User(ctx, live.Identity.UserID)
	if err != nil {
		return fmt.Errorf("finding account: %w", err)
	}
	if p.UserID != user.ID {
		return authcore.ErrNotFound
	}
	letter, err := mail.NewJob(s.Sealer, mail.About(mail.PasskeyRemoved, user, client, map[string]string{"name": p.Name}).LeadingTo("/account/passkeys"), s.Clock())
	if err != nil {
		return err
	}
	event := s.event(audit.PasskeyDelete, live, client).With("name", p.Name)
	removal := Removal{UserID: user.ID, ID: id, Guarded: true, RPID: client.RPID, Epoch: live.AuthEpoch}
	if err := s.Store.RemovePasskey(ctx, removal, event, letter); err != nil {
		return fmt.Errorf("removing passkey: %w", err)
	}
	s.Events.Emit(events.PasskeyRemoved, map[string]any{"user_id": user.ID})
	return nil
}
