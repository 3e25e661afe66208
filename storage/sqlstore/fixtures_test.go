package sqlstore_test

import (
	"time"

	"github.com/google/uuid"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/org"
)

var (
	fixedTime  = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	someClient = authcore.Client{IP: "192.0.2.7", UserAgent: "test"}
)

func someUser(name string) authcore.User {
	return authcore.User{
		ID: uuid.Must(uuid.NewV7()).String(), Email: name + "@example.com", EmailKey: name + "@example.com",
		CreatedAt: fixedTime, UpdatedAt: fixedTime,
	}
}

func someOrg(slug string) org.Org {
	return org.Org{ID: uuid.Must(uuid.NewV7()).String(), Slug: slug, Name: slug, CreatedAt: fixedTime, UpdatedAt: fixedTime}
}

func someEvent(action audit.Action) audit.Event { return audit.New(fixedTime, action, someClient) }
