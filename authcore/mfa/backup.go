package mfa

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/session"
)

const (
	// backupCodes is how many a set has.
	backupCodes = 8
	// backupLength is in digits: 26 bits, of which NIST SP 800-63B-4 section
	// 3.1.2.2 asks for 20 where tries are limited.
	backupLength = 8
	backupMAC    = "backup-code"
)

// newBackupCodes returns a set of codes as they are shown, and their hashes.
func (s *Service) newBackupCodes(userID string) (shown []string, hashes [][]byte, err error) {
	for range backupCodes {
		n, err := rand.Int(rand.Reader, big.NewInt(1e8))
		if err != nil {
			return nil, nil, fmt.Errorf("making backup code: %w", err)
		}
		code := fmt.Sprintf("%0*d", backupLength, n)
		shown, hashes = append(shown, code[:4]+"-"+code[4:]), append(hashes, s.hash(userID, code))
	}
	return shown, hashes, nil
}

// hash returns the stored form of a code. A plain hash of so few digits would be
// tried through in no time by whoever reads the database.
func (s *Service) hash(userID, code string) []byte {
	return s.Box.MAC(backupMAC, []byte(userID+"|"+code))
}

// ReplaceBackupCodes makes new codes for the signed-in user, which are shown this
// once; older ones are void. It fails with *account.StaleError unless the user
// was proven by the app or a passkey not long ago. A backup code is enough only to
// set up another app, which brings new codes too: that is what a lost phone needs,
// and it leaves a thief's app where its owner is told of it by mail.
func (s *Service) ReplaceBackupCodes(ctx context.Context, live *session.Live, client authcore.Client) (codes []string, err error) {
	if err := s.Accounts.CheckRecent(ctx, live, authcore.FactorTOTP, authcore.FactorPasskey); err != nil {
		return nil, err
	}
	user, letter, err := s.letter(ctx, live, mail.BackupCodesReplaced, settings, client)
	if err != nil {
		return nil, err
	}
	if !user.TwoStep() {
		return nil, authcore.ErrNotFound
	}
	codes, hashes, err := s.newBackupCodes(user.ID)
	if err != nil {
		return nil, err
	}
	if err := s.Store.ReplaceBackupCodes(ctx, user.ID, live.AuthEpoch, hashes, s.event(audit.BackupCodesReplaced, live, client), letter); err != nil {
		return nil, fmt.Errorf("replacing backup codes: %w", err)
	}
	return codes, nil
}
