package passkey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
)

// CountPolicy is what happens when the signature counter of a passkey goes back,
// which it does when there is a copy (WebAuthn Level 3 section 6.1.1).
type CountPolicy string

// The policies.
const (
	// CountWarn notes it and lets the user in.
	CountWarn CountPolicy = "warn"
	// CountReauth refuses, and tells by mail: the user signs in another way.
	CountReauth CountPolicy = "reauth"
	// CountRevoke refuses, removes the passkey, ends all sessions, and tells by
	// mail.
	CountRevoke CountPolicy = "revoke"
)

// judge applies the policy on counters to a valid answer, and returns what to note
// of it. It fails with ErrCopied.
func (s *Service) judge(ctx context.Context, a answer, credential *webauthn.Credential, client authcore.Client) (Use, error) {
	use := Use{ID: a.passkey.ID, Before: a.passkey.SignCount, After: credential.Authenticator.SignCount, BackedUp: credential.Flags.BackupState}
	if !credential.Authenticator.CloneWarning {
		return use, nil
	}
	event := audit.New(s.Clock(), audit.PasskeyRegression, client).By(audit.ActorSystem, "").Of(a.owner.user.ID).
		With("name", a.passkey.Name).With("policy", string(s.Counts)).
		With("previous", strconv.Itoa(int(a.passkey.SignCount))).
		With("presented", strconv.Itoa(int(a.parsed.Response.AuthenticatorData.Counter)))
	switch s.Counts {
	case CountRevoke:
		return use, s.revoke(ctx, a, event, client)
	case CountReauth:
		return use, s.refuseCopy(ctx, a, event, client)
	}
	if err := s.Notes.Note(ctx, event); err != nil {
		return use, fmt.Errorf("noting counter: %w", err)
	}
	use.After = use.Before // it never goes back
	return use, nil
}

// refuseCopy refuses a passkey that there is a copy of, and tells its owner.
func (s *Service) refuseCopy(ctx context.Context, a answer, event audit.Event, client authcore.Client) error {
	letter, err := s.letter(mail.PasskeyCopied, a, client)
	if err != nil {
		return err
	}
	if err := s.Notes.Note(ctx, event, letter); err != nil {
		return fmt.Errorf("noting counter: %w", err)
	}
	return ErrCopied
}

// revoke removes it too, and ends all sessions: whoever has the copy may have
// signed in before the counter told.
func (s *Service) revoke(ctx context.Context, a answer, event audit.Event, client authcore.Client) error {
	userID := a.owner.user.ID
	letter, err := s.letter(mail.PasskeyRevoked, a, client)
	if err != nil {
		return err
	}
	ending, err := account.EndSessions(s.Sealer, account.Ending{UserID: userID, At: s.Clock()})
	if err != nil {
		return err
	}
	err = s.Store.RemovePasskey(ctx, Removal{UserID: userID, ID: a.passkey.ID}, event, letter, ending)
	if errors.Is(err, authcore.ErrNotFound) { // it was removed meanwhile
		return ErrCopied
	}
	if err != nil {
		return fmt.Errorf("removing passkey: %w", err)
	}
	s.Events.Emit(events.PasskeyRemoved, map[string]any{"user_id": userID})
	if _, err := s.Sessions.RevokeAll(ctx, userID, ""); err != nil {
		s.Logger.Warn("the passkey is removed, but sessions end only when the session store is back", slog.Any("error", err))
	}
	return ErrCopied
}

func (s *Service) letter(kind mail.Kind, a answer, client authcore.Client) (job.Job, error) {
	letter := mail.About(kind, a.owner.user, client, map[string]string{"name": a.passkey.Name})
	return mail.NewJob(s.Sealer, letter.LeadingTo("/account/passkeys"), s.Clock())
}
