package account

import (
	"context"
	"fmt"
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
	if err := s.ledger.Note(ctx, event); err != nil {
		s.logger.Error("lockout not noted", slog.Any("error", err))
	}
	if err := s.mail.Send(ctx, lockMail(user, client, s.clock())); err != nil {
		s.logger.Error("lockout mail not sent", slog.Any("error", err))
	}
}

func lockMail(user authcore.User, client authcore.Client, now time.Time) mail.Message {
	return mail.Message{
		To:      user.Email,
		Subject: "Too many sign-in attempts on your account",
		Text: fmt.Sprintf("Somebody entered wrong passwords for your account at %s, last from %s at %s.\n\n"+
			"For a short while, new browsers cannot sign in to it. Browsers that you have used before still can.\n"+
			"If it was you, wait a few minutes and try again. If not, nothing is wrong with your account: the "+
			"attempts failed.\n", client.Site, client.IP, now.UTC().Format("2006-01-02 15:04 UTC")),
	}
}
