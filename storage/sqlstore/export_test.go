package sqlstore

import "database/sql"

// Raw is the writing pool, to look at and disturb what the store keeps.
func (db *DB) Raw() *sql.DB { return db.write }
