-- Drops come last: they lock readers out, and creating an index takes long. An index may exist already: docs/metadata.md.
CREATE INDEX IF NOT EXISTS "messages_by_assignment" ON "messages" USING btree ("assignment_id");--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "messages_by_owner_and_time" ON "messages" USING btree ("owner","timestamp","process","nonce");--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "messages_by_time_and_place" ON "messages" USING btree ("timestamp","process","nonce");--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "messages_shortened" ON "messages" USING btree ("timestamp","process","nonce") WHERE "messages"."shortened" is not null;--> statement-breakpoint
DROP INDEX IF EXISTS "messages_by_owner";--> statement-breakpoint
DROP INDEX IF EXISTS "messages_by_time";
