// Run once by the mongo image, on an empty volume: the user that SampleMind works as may do no more than it needs.
db.createUser({
  user: "samplemind",
  pwd: process.env.SAMPLEMIND_MONGODB_PASSWORD,
  roles: [{ role: "readWrite", db: db.getName() }],
});
