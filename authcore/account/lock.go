package account

import (
	"context"
	"log/slog"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/mail"
)

// tellOwner tells the owner, and nobody else, that an account takes no
// passwords from unknown browsers for a while. A failure to do so changes
// nothing for the visitor.
func (s *Service) tellOwner(ctx context.Context, user authcore.User, client authcore.Client) {
	s.events.Emit(EventLocked, nil)
	if user.ID == "" {
		return
	}
	event := audit.New(s.clock(), audit.Lockout, client).By(audit.ActorSystem, "").Of(user.ID)
	letter, err := mail.NewJob(s.sealer, mail.Letter{
		Kind: mail.Locked, To: user.Email, Portal: client.Portal, Values: map[string]string{"ip": client.IP, "when": stamp(s.clock())},
	}, s.clock())
	told := false
	if err == nil {
		told, err = s.guard.MayTellOfLock(ctx, user.EmailKey)
	}
	switch {
	case err != nil:
	case told:
		err = s.ledger.Note(ctx, event, letter)
	default:
		err = s.ledger.Note(ctx, event)
	}
	if err != nil {
		s.logger.Error("lockout not told", slog.Any("error", err))
	}
}

// stamp is a time as mails tell it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
