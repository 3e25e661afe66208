package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
)

// TellOfLockJob is the kind of a job that tells the owner of an address, if there is
// one, that its account takes no passwords from unknown browsers for a while.
const TellOfLockJob job.Kind = "tell_of_lock"

// locked is who is to be told, and of whom.
type locked struct {
	Key    string          `json:"key"`
	Client authcore.Client `json:"client"`
}

// tellOfLock asks for that. It does the same for an address without an account, or
// the time that an answer takes would say that there is one. A failure to do so
// changes nothing for the visitor.
func (s *Service) tellOfLock(ctx context.Context, key string, client authcore.Client) {
	j, err := job.New(s.sealer, TellOfLockJob, locked{key, client}, s.clock())
	if err == nil {
		err = s.queue.Add(ctx, j)
	}
	if err != nil {
		s.logger.Error("lockout not told", slog.Any("error", err))
	}
}

// doTellOfLock tells the owner, and nobody else.
func (s *Service) doTellOfLock(ctx context.Context, j job.Job) error {
	var l locked
	if err := j.Payload(s.sealer, &l); err != nil {
		return err
	}
	user, _, err := s.users.UserByEmail(ctx, l.Key)
	if errors.Is(err, authcore.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finding account: %w", err)
	}
	told, err := s.guard.MayTellOfLock(ctx, user.EmailKey)
	if err != nil {
		return fmt.Errorf("counting notice: %w", err)
	}
	var letters []job.Job
	if told {
		letter, err := mail.NewJob(s.sealer, mail.About(mail.Locked, user, l.Client, nil), s.clock())
		if err != nil {
			return err
		}
		letters = append(letters, letter)
	}
	event := audit.New(s.clock(), audit.Lockout, l.Client).By(audit.ActorSystem, "").Of(user.ID)
	if err := s.ledger.Note(ctx, event, letters...); err != nil {
		return err
	}
	s.events.Emit(events.Locked, map[string]any{"user_id": user.ID})
	return nil
}
