CREATE TABLE "messages" (
	"process" text NOT NULL,
	"nonce" bigint NOT NULL,
	"kind" text NOT NULL,
	"id" text NOT NULL,
	"assignment_id" text,
	"target" text,
	"timestamp" bigint NOT NULL,
	"time_key" bigint NOT NULL,
	"block_height" bigint NOT NULL,
	"owner" text,
	"bytes" bigint,
	"tags" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"shortened" text,
	CONSTRAINT "messages_process_nonce_pk" PRIMARY KEY("process","nonce")
);
--> statement-breakpoint
CREATE TABLE "processes" (
	"id" text PRIMARY KEY NOT NULL,
	"assignment_id" text,
	"timestamp" bigint NOT NULL,
	"block_height" bigint NOT NULL,
	"owner" text,
	"bytes" bigint,
	"tags" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"shortened" text
);
--> statement-breakpoint
CREATE INDEX "messages_by_time_key" ON "messages" USING btree ("process","time_key","nonce");--> statement-breakpoint
CREATE INDEX "messages_by_id" ON "messages" USING btree ("id");--> statement-breakpoint
CREATE INDEX "messages_by_owner" ON "messages" USING btree ("owner","timestamp");--> statement-breakpoint
CREATE INDEX "messages_by_time" ON "messages" USING btree ("timestamp");--> statement-breakpoint
CREATE INDEX "messages_by_tag" ON "messages" USING gin ("tags" jsonb_path_ops);--> statement-breakpoint
CREATE INDEX "processes_by_owner" ON "processes" USING btree ("owner","timestamp");--> statement-breakpoint
CREATE INDEX "processes_by_time" ON "processes" USING btree ("timestamp");--> statement-breakpoint
CREATE INDEX "processes_by_tag" ON "processes" USING gin ("tags" jsonb_path_ops);