package sqlonce_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/openwechatpay/wechatpay/webhook/sqlonce"
)

func ExampleStore_Once() {
	f := &fake{} // in the place of a driver: it writes down what it is told
	db := sql.OpenDB(f)
	defer db.Close()
	store, err := sqlonce.New(db, sqlonce.PostgreSQL)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 { // WeChat Pay sends it twice
		err := store.Once(context.Background(), "EV-2018022511223320873", func(ctx context.Context) error {
			_, err := sqlonce.Tx(ctx).ExecContext(ctx, "UPDATE orders SET paid = true WHERE no = $1", "1217752501201407033233368018")
			return err
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(strings.Join(f.heard(), "\n"))
	// Output:
	// 1 BEGIN
	// 1 SET LOCAL idle_in_transaction_session_timeout = 30000
	// 1 INSERT INTO "wechatpay_notifications" (id, handled_at) VALUES ($1, now()) ON CONFLICT DO NOTHING
	// 1 SAVEPOINT wechatpay_sqlonce
	// 1 UPDATE orders SET paid = true WHERE no = $1
	// 1 RELEASE SAVEPOINT wechatpay_sqlonce
	// 1 COMMIT
	// 1 BEGIN
	// 1 SET LOCAL idle_in_transaction_session_timeout = 30000
	// 1 INSERT INTO "wechatpay_notifications" (id, handled_at) VALUES ($1, now()) ON CONFLICT DO NOTHING
	// 1 SELECT 1 FROM "wechatpay_notifications" WHERE id = $1
	// 1 ROLLBACK
}

func ExampleStore_Schema() {
	for _, dialect := range []sqlonce.Dialect{sqlonce.PostgreSQL, sqlonce.MariaDB} {
		store, err := sqlonce.New(sql.OpenDB(&fake{}), dialect, sqlonce.Table("paid"))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(store.Schema())
	}
	// Output:
	// CREATE TABLE IF NOT EXISTS "paid" (
	// 	id bytea PRIMARY KEY,
	// 	handled_at timestamptz NOT NULL
	// );
	// CREATE INDEX IF NOT EXISTS "paid_handled_at" ON "paid" (handled_at);
	//
	// CREATE TABLE IF NOT EXISTS `paid` (
	// 	id VARBINARY(255) NOT NULL PRIMARY KEY,
	// 	handled_at DATETIME(6) NOT NULL,
	// 	INDEX (handled_at)
	// ) ENGINE=InnoDB;
}
