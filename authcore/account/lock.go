package account

import (
	"context"
	"log/slog"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/mail"
)

// tellOwner tells the owner, and nobody else, that an account takes no
// passwords from unknown browsers for a while. A failure to do so changes
// nothing for the visitor.
func (s *Service) tellOwner(ctx context.Context, user authcore.User, client authcore.Client) {
	s.events.Emit(events.Locked, nil)
	if user.ID == "" {
		return
	}
	event := audit.New(s.clock(), audit.Lockout, client).By(audit.ActorSystem, "").Of(user.ID)
	letter, err := mail.NewJob(s.sealer, mail.About(mail.Locked, user, client, nil), s.clock())
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
